// What is seen of a picture and of the texts below it where there is little room.

const SMALLEST_SCALE = 0.82; // at which the smallest texts can still be read; what is wider than that is scrolled
const TALLEST_TEXT = 260; // pixels that are kept free for a text

/** How many pixels a unit of the drawing has. */
export function scaleOf(stage) {
  const drawing = stage.firstElementChild;
  return drawing.getBoundingClientRect().width / Number(drawing.getAttribute("width"));
}

/** Draw the picture as wide as there is room, or in its own size where it would become too small. */
export function fitDrawing(stage) {
  const drawing = stage.firstElementChild;
  const scale = stage.clientWidth / Number(drawing.getAttribute("width"));
  const drawn = scale >= SMALLEST_SCALE && scale < 1 ? scale : null;
  for (const side of ["width", "height"]) drawing.style[side] = drawn && `${drawn * Number(drawing.getAttribute(side))}px`;
  fade(stage);
}

/** Keep the height of the longest text that a place will hold, so that nothing below it moves. */
export function keepRoom(place, longest, write = (probe) => (probe.textContent = longest)) {
  const width = place.clientWidth;
  if (!width || (place.rcRoom?.width === width && place.rcRoom.longest === longest)) return;
  const probe = place.cloneNode(false);
  probe.removeAttribute("aria-live");
  probe.style.cssText = `position: absolute; visibility: hidden; min-height: 0; width: ${width}px`;
  write(probe);
  place.after(probe);
  place.style.minHeight = `${Math.min(probe.offsetHeight, TALLEST_TEXT)}px`;
  probe.remove();
  place.rcRoom = { width, longest };
}

/** Fade the edge behind which the picture goes on. */
export function fade(stage) {
  stage.classList.toggle("rc-more", stage.scrollLeft + stage.clientWidth < stage.scrollWidth - 1);
}

/**
 * After a scroll, let no number be cut by the names of rows, which lie over the left edge. What is cut is shown whole, or, where
 * that would push `kept` out of sight, not at all.
 */
export function snap(stage, kept = null) {
  const names = stage.querySelector(".pinned")?.getBoundingClientRect();
  if (!names || stage.scrollLeft <= 0 || stage.scrollLeft + stage.clientWidth >= stage.scrollWidth - 1) return;
  const view = stage.getBoundingClientRect();
  const edge = view.left + names.width; // they follow a scroll only with its event
  const boxes = [...stage.querySelectorAll("[data-mark] > .box")].map((box) => box.getBoundingClientRect());
  const cut = boxes.filter((box) => box.left < edge - 1 && box.right > edge + 1 && box.top < names.bottom && box.width < view.width / 2);
  if (!cut.length) return;
  const back = edge - Math.min(...cut.map((box) => box.left)) + 2;
  const on = Math.max(...cut.map((box) => box.right)) - edge + 2;
  const box = kept?.getBoundingClientRect();
  if (!box || box.right + back <= view.right) stage.scrollLeft -= back;
  else if (box.left - on >= edge) stage.scrollLeft += on;
}

/** Scroll to what a step is about. */
export function bringIntoView(stage, marks, patch, computed) {
  if (stage.scrollWidth <= stage.clientWidth) return;
  // What the step is about: what it computes, else what it lights up, and a number to change only if all else is still.
  const rank = (name) => (computed.includes(name) ? 0 : 4) + (marks[name].element.matches(".emission") ? 2 : 0);
  const lit = (kind, state) =>
    Object.keys(patch).filter((name) => marks[name].element.matches(kind) && marks[name].element.dataset.state === state);
  const [cell] = [...lit(".cell", "now"), ...lit(".cell", "path")].sort((a, b) => rank(a) - rank(b));
  const name = cell ?? lit(".dot", "now")[0]; // a point of a curve, where no cell changes
  if (!name) return;
  const box = marks[name].element.getBoundingClientRect();
  const view = stage.getBoundingClientRect();
  // The names of rows cover what lies beside them: by their width, because they follow a scroll only with its event.
  const names = stage.querySelector(".pinned")?.getBoundingClientRect();
  const left = view.left + (names && box.top < names.bottom ? names.width : 0);
  const margin = Math.max(4, Math.min(view.width / 3, (view.right - left - box.width) / 2));
  let shift = Math.max(0, box.right - view.right + margin);
  if (box.left - shift < left + margin) shift = box.left - left - margin;
  const before = stage.scrollLeft;
  stage.scrollLeft += shift;
  snap(stage, marks[name].element);
  stage.rcScrolled = stage.scrollLeft !== before; // by us, not by the reader
}
