"""How soon a key changes what is seen on a page."""

from playwright.sync_api import Locator, Page

GOLDEN_RATIO = 0.6180339887

# From a key press to the first frame after the change: an animation frame is asked for once the change is in the
# DOM (and, for a picture, its data are decoded), and a message sent from it arrives when that frame has been handed
# to the screen.
PROBE = """
([root, changed]) => {
  let pressed = null;
  const waiting = [];
  root.rcTimes = [];
  root.rcSeen = (count) => new Promise((resolve, reject) => {
    if (root.rcTimes.length >= count) return resolve();
    waiting.push(resolve);
    setTimeout(() => reject(new Error(`key ${count} changed nothing; waiting for it: ${pressed}`)), 10_000);
  });
  const done = (start) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      root.rcTimes.push(performance.now() - start);
      waiting.splice(0).forEach((resolve) => resolve());
    };
    channel.port2.postMessage(0);
  };
  const seen = (ready) => {
    if (pressed === null) return;
    const start = pressed;
    pressed = null;
    const look = () => (ready() ? done(start) : requestAnimationFrame(look));
    requestAnimationFrame(look);
  };
  root.addEventListener("keydown", (event) => (pressed = event.timeStamp), true);
  const drawn = () => {
    const image = root.querySelector("img");
    return image !== null && image.complete && image.naturalWidth > 0;
  };
  const painted = (records) => {
    const nodes = records.flatMap(({ target, addedNodes }) => [target, ...addedNodes]).filter((node) => node.nodeType === 1);
    if (nodes.some((node) => node.matches("img") || node.querySelector("img"))) seen(drawn);
  };
  if (changed === "data-step") new MutationObserver(() => seen(() => true)).observe(root, { attributeFilter: [changed] });
  else new MutationObserver(painted).observe(root, { childList: true, subtree: true, attributeFilter: ["src"] });
}
"""


class Stopwatch:
    """Times keys: from the press to the frame that shows what it changed.

    Parameters
    ----------
    page
        Where to press them.
    root
        What the keys go to, or an element around it.
    changed
        "data-step": the attribute of ``root`` that tells of the change; "img": a new image inside ``root``.
    rest
        Milliseconds to wait before each key.
    """

    def __init__(self, page: Page, root: Locator, changed: str = "data-step", rest: float = 50):
        self.page, self.handle, self.pressed, self.rest = page, root.element_handle(), 0, rest
        page.evaluate(PROBE, [self.handle, changed])

    def press(self, key: str) -> None:
        """Press a key and wait for the frame."""
        self.pressed += 1
        # Readers do not press keys in time with the screen: spread the presses evenly over its interval.
        self.page.wait_for_timeout(self.rest + 1000 / 60 * (self.pressed * GOLDEN_RATIO % 1))
        self.page.keyboard.press(key)
        self.page.evaluate("([root, n]) => root.rcSeen(n)", [self.handle, self.pressed])

    def milliseconds(self) -> list[float]:
        """Return one time for each key pressed so far."""
        return self.page.evaluate("root => root.rcTimes", self.handle)
