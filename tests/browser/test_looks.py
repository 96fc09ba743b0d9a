"""What can be read, in either theme and on a narrow screen. COURSE_SCREENSHOTS=folder keeps the pictures."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EXAMPLE, IMPORTS, STRIP, TRAINING

LEAST_CONTRAST = 4.5
NAMES = ["trellis", "explorer", "strip", "training"]
LONG = "viterbi_stepper([[.4, .6], [.5, .5], [.7, .3], [.6, .4], [.8, .2], [.1, .9]], 'ABA')"

# For every text that is shown: what it is, in which state, and its contrast against what lies behind it.
CONTRASTS = """
root => {
  const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 })
    .getContext('2d', { willReadFrequently: true });
  const read = (colour, alpha = 1) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return { rgb: [r, g, b], alpha: (a / 255) * alpha };
  };
  const over = ({ rgb, alpha }, behind) => behind.map((c, n) => rgb[n] * alpha + c * (1 - alpha));
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const behindHtml = (element) => {
    const chain = [];
    for (let e = element; e; e = e.parentElement) chain.unshift(read(getComputedStyle(e).backgroundColor));
    return chain.reduce((behind, layer) => over(layer, behind), [255, 255, 255]);
  };
  const found = [];
  for (const element of root.querySelectorAll('.rc-says, .rc-says span, .rc-legend li, .rc-formula mi, .rc-count, .rc-formula, .rc-speed, .rc-note, .rc-tip p, .rc-button:enabled')) {
    if (element.checkVisibility({ visibilityProperty: true }))
      found.push([element.className, '', contrast(read(getComputedStyle(element).color).rgb, behindHtml(element))]);
  }
  for (const text of root.querySelectorAll('svg text')) {
    if (!text.textContent || getComputedStyle(text).visibility === 'hidden') continue;
    const mark = text.closest('[data-mark]');
    let behind = behindHtml(text.closest('svg').parentElement);
    for (const layer of mark?.querySelectorAll('.paper, .tint') ?? []) {
      const style = getComputedStyle(layer);
      behind = over(read(style.fill, Number(style.fillOpacity)), behind);
    }
    const style = getComputedStyle(text);
    found.push([text.getAttribute('class') || 'text', mark?.dataset.state ?? '', contrast(over(read(style.fill, Number(style.fillOpacity)), behind), behind)]);
  }
  return found;
}
"""

# What sticks out of its frame, and controls that are too small or cannot be seen.
TOO_WIDE_OR_SMALL = """
root => {
  const bad = [];
  const frame = root.getBoundingClientRect();
  if (root.scrollWidth > root.clientWidth) bad.push(`the stepper scrolls: ${root.scrollWidth} > ${root.clientWidth}`);
  if (frame.left < 0 || frame.right > innerWidth) bad.push(`the stepper spans ${frame.left} to ${frame.right} of ${innerWidth}`);
  for (const control of root.querySelectorAll('.rc-controls button:not([hidden]), .rc-controls input, .rc-controls select')) {
    const box = control.getBoundingClientRect();
    if (box.height < 30 || box.width < 30 || box.left < frame.left || box.right > frame.right || !control.checkVisibility())
      bad.push(`${control.ariaLabel}: ${box.width} x ${box.height} at ${box.left}`);
  }
  return bad;
}
"""

# Texts of the drawing that its edge cuts off.
CLIPPED = """
root => {
  const drawing = root.querySelector('svg.rc-scene');
  const { x, y, width, height } = drawing.viewBox.baseVal;
  return [...drawing.querySelectorAll('text')].filter((text) => {
    const box = text.getBBox();
    return box.width > 0 && (box.x < x || box.y < y || box.x + box.width > x + width || box.y + box.height > y + height);
  }).map((text) => text.textContent);
}
"""

OVERFULL = """
root => [...root.querySelectorAll('svg .cell')].filter((cell) => {
  const [box, slot] = [cell.querySelector('.box'), cell.querySelector('.slot')];
  return box && slot && slot.getBBox().width > box.getBBox().width - 4;
}).map((cell) => cell.textContent)
"""


@pytest.fixture
def all_steppers(notebook):
    def open_them(**context):
        return notebook(IMPORTS, EXAMPLE, "viterbi_explorer()", STRIP, TRAINING, LONG, **context)

    return open_them


def widen(one):
    """Leave the whole width to the notebook."""
    one.page.evaluate("() => { if (!jupyterapp.shell.leftCollapsed) jupyterapp.shell.collapseLeft(); }")


def walk(player):
    """Go through the steps, all of a short scene, some of a long one; at the end be at the first."""
    last = int(player.find(".rc-slider").get_attribute("max"))
    player.focus().press("Home").expect_step(0)
    stride = max(1, last // 12)
    for n in range(0, last + 1, stride):
        yield n
        player.press(*["ArrowRight"] * min(stride, last - n))
    player.press("End").expect_step(last)
    yield last
    player.press("Home")


def test_every_text_can_be_read_in_every_state(theme, all_steppers, picture):
    one = all_steppers()
    widen(one)
    expect(one.page.locator("body")).to_have_attribute("data-jp-theme-light", str(theme == "light").lower())
    weak, seen = {}, set()
    for which, name in enumerate(NAMES):
        player = one.stepper(which)
        player.root.scroll_into_view_if_needed()
        for n in walk(player):
            for what, state, contrast in player.root.evaluate(CONTRASTS):
                seen.add((what, state))
                if contrast < LEAST_CONTRAST:
                    weak[name, what, state] = min(contrast, weak.get((name, what, state), 99))
            if n == 6:
                picture(player.root, f"{name}-{theme}-middle")
        assert not player.root.evaluate(CLIPPED), name
        assert not player.root.evaluate(OVERFULL), name
        player.press("End")
        picture(player.root, f"{name}-{theme}-end")
    assert not weak
    assert {("slot", state) for state in ("now", "done", "won", "lost", "off", "path")} <= seen
    assert {("soft", ""), ("small output", ""), ("name", ""), ("rc-says", ""), ("rc-count", "")} <= seen


def test_a_derivation_and_a_message_can_be_read(theme, notebook, picture):
    player = notebook(IMPORTS, EXAMPLE).stepper()
    player.focus().press("End")
    player.mark("V-2-1").hover()
    expect(player.find(".rc-tip")).to_be_visible()
    picture(player.root, f"derivation-{theme}")
    assert min(contrast for *_, contrast in player.root.evaluate(CONTRASTS)) >= LEAST_CONTRAST
    player.mark("y-1-1").click()
    player.page.keyboard.type("7")
    picture(player.root, f"editor-{theme}")
    player.press("Enter")
    expect(player.find(".rc-note")).to_be_visible()
    picture(player.root, f"message-{theme}")
    assert min(contrast for *_, contrast in player.root.evaluate(CONTRASTS)) >= LEAST_CONTRAST


def test_the_focus_can_be_seen(player, picture):
    style = player.root.evaluate(
        "root => { const s = getComputedStyle(root); return [s.outlineStyle, s.outlineWidth, s.outlineOffset]; }"
    )
    assert style[0] == "solid"
    width, offset = (float(value.removesuffix("px")) for value in style[1:])
    assert width >= 2
    assert width + offset <= 0  # what lies outside is cut off by JupyterLab
    picture(player.root, "focus")


def test_a_screen_of_360_pixels(all_steppers, picture):
    one = all_steppers(viewport={"width": 360, "height": 780})
    widen(one)
    for which, name in enumerate([*NAMES, "long"]):
        player = one.stepper(which)
        player.root.scroll_into_view_if_needed()
        for n in walk(player):
            assert player.root.evaluate(TOO_WIDE_OR_SMALL) == [], name
            if n == 6:
                picture(player.root, f"{name}-narrow-middle")
        player.press("End")
        picture(player.root, f"{name}-narrow-end")
        pinned = player.find(".pinned text")
        if not pinned.count():
            continue
        player.find(".rc-stage").evaluate("stage => stage.scrollIntoView({ block: 'start' })")
        for part in (0, 0.5, 1):
            player.find(".rc-stage").evaluate(
                "async (stage, part) => { stage.scrollLeft = part * stage.scrollWidth; await new Promise(requestAnimationFrame); }",
                part,
            )
            expect(pinned.first).to_be_in_viewport()
            hidden = player.root.evaluate(
                """root => {
                  const view = root.querySelector('.rc-stage').getBoundingClientRect();
                  return [...root.querySelectorAll('.pinned text')].filter((text) => {
                    const box = text.getBoundingClientRect();
                    return box.left < view.left - 1 || box.right > view.right + 1;
                  }).map((text) => text.textContent);
                }"""
            )
            assert not hidden, f"{name}: these names are out of sight"


def test_the_step_in_question_is_scrolled_into_sight_on_a_narrow_screen(notebook):
    one = notebook(IMPORTS, LONG, viewport={"width": 360, "height": 780})
    widen(one)
    player = one.stepper()
    for n in walk(player):
        player.expect_step(n)
        out_of_sight = player.root.evaluate(
            """root => {
              const view = root.querySelector('.rc-stage').getBoundingClientRect();
              const box = root.querySelector('.cell:not(.emission)[data-state="now"]')?.getBoundingClientRect();
              return box && (box.left < view.left || box.right > view.right) ? [box.left, box.right, view.left, view.right] : null;
            }"""
        )
        assert out_of_sight is None, n


def test_nothing_moves_by_itself(notebook):
    player = notebook(IMPORTS, EXAMPLE, reduced_motion="reduce").stepper()
    moving = """root => [...root.querySelectorAll('*'), root].filter((e) => {
      const style = getComputedStyle(e);
      const lasts = (times) => times.split(',').some((time) => parseFloat(time) > 0);
      return lasts(style.animationDuration) || lasts(style.transitionDuration) || style.scrollBehavior === 'smooth';
    }).map((e) => e.outerHTML.slice(0, 100))"""
    player.focus()
    for key in ["ArrowRight"] * 3 + ["End", "Home"]:
        player.press(key)
        assert player.root.evaluate(moving) == []
        assert player.root.evaluate("root => root.getAnimations({ subtree: true }).length") == 0
