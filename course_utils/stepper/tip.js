// What is shown over a picture beside a mark: how its number came about, or the editor of a number.

const GAP = 6; // pixels between a tip and its mark
const MILLISECONDS_TO_REACH_IT = 300; // for a pointer on its way from the mark to the tip

const overlap = (a, b) =>
  Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) * Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));

const clamp = (value, low, high) => Math.max(low, Math.min(value, high));

/**
 * Put the tip beside a mark: below it, above it, to its right or to its left, wherever it hides least of `explained`, the
 * rectangles of what it talks about, and does not stick out of `room`, the rectangle of the whole player.
 */
export function placeTip(tip, mark, explained, room) {
  tip.hidden = false;
  const origin = tip.offsetParent.getBoundingClientRect();
  const [width, height] = [tip.offsetWidth, tip.offsetHeight];
  const x = clamp(mark.left + mark.width / 2 - width / 2, origin.left, origin.right - width);
  const y = clamp(mark.top + mark.height / 2 - height / 2, origin.top, Math.max(origin.top, room.bottom - height));
  const places = [
    [x, mark.bottom + GAP],
    [x, mark.top - GAP - height],
    [mark.right + GAP, y],
    [mark.left - GAP - width, y],
  ];
  let best = places[0];
  let least = Infinity;
  for (const [left, top] of places) {
    const tried = { left, top, right: left + width, bottom: top + height };
    if (left < origin.left || tried.right > origin.right || top < room.top || tried.bottom > room.bottom) continue;
    const hides = explained.reduce((sum, box) => sum + overlap(tried, box), 0);
    if (hides < least) [best, least] = [[left, top], hides];
  }
  tip.style.left = `${best[0] - origin.left}px`;
  tip.style.top = `${best[1] - origin.top}px`;
}

/**
 * Take a tip away some moments after the pointer has left both its mark and the tip: a reader who uses a magnifier moves
 * onto the tip to read it. Returns `stay()`, for a pointer that is on a mark, and `leave()`, for one that is on none.
 */
export function lingering(tip, hide) {
  let timer = null;
  const stay = () => {
    clearTimeout(timer);
    timer = null;
  };
  const leave = () => {
    if (timer === null && !tip.hidden) timer = setTimeout(() => (stay(), hide()), MILLISECONDS_TO_REACH_IT);
  };
  tip.addEventListener("pointerenter", stay);
  tip.addEventListener("pointerleave", leave);
  return { stay, leave };
}
