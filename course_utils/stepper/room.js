// What is seen of a picture and of the texts below it where there is little room.

const SMALLEST_SCALE = 0.82; // at which the smallest texts can still be read; what is wider than that is scrolled
const TALLEST_TEXT = 260; // pixels that are kept free for a text
const NARROW = 480; // pixels, below which the names of rows stand above the rows
const NUMBER_SIZE = 15; // pixels, as in scene.css
const SMALLEST_NUMBER = 10;

/** How many pixels a unit of the drawing has. */
export function scaleOf(stage) {
  const drawing = stage.firstElementChild;
  return drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width;
}

/** Draw the picture as wide as there is room, or in its own size where it would become too small. */
export function fitDrawing(stage) {
  arrange(stage);
  const drawing = stage.firstElementChild;
  const { width, height } = drawing.viewBox.baseVal;
  const scale = stage.clientWidth / width;
  const drawn = scale >= SMALLEST_SCALE && scale < 1 ? scale : 1;
  drawing.style.width = `${drawn * width}px`;
  drawing.style.height = `${drawn * height}px`;
  followScroll(stage);
}

/** Write the names of rows beside them, or, where it is narrow, above them: then the numbers have the whole width. */
function arrange(stage) {
  const drawing = stage.firstElementChild;
  const pinned = drawing.querySelector(".pinned");
  const names = [...(pinned?.querySelectorAll("[data-above]") ?? [])];
  const narrow = names.length > 0 && stage.clientWidth > 0 && stage.clientWidth < NARROW;
  const [width, height] = ["width", "height"].map((side) => Number(drawing.getAttribute(side)));
  const left = narrow ? Number(pinned.querySelector(".paper").getAttribute("width")) : 0;
  drawing.setAttribute("viewBox", `${left} 0 ${width - left} ${height}`);
  drawing.classList.toggle("rc-narrow", narrow);
  for (const name of names) {
    name.rcBeside ??= ["x", "y", "text-anchor"].map((attribute) => name.getAttribute(attribute));
    const [x, y, anchor] = narrow ? [...name.dataset.above.split(" "), "start"] : name.rcBeside;
    for (const [attribute, value] of Object.entries({ x, y, "text-anchor": anchor })) name.setAttribute(attribute, value);
  }
}

/** Write a long number smaller, so that it stays in its cell. */
export function fitNumber(slot, room) {
  slot.removeAttribute("style");
  if (slot.textContent.length * 9 < room) return; // surely fits, and need not be measured
  const wide = 1.05 * slot.getComputedTextLength(); // it is bold at times
  if (wide > room) slot.style.fontSize = `${Math.max(SMALLEST_NUMBER, Math.floor((2 * NUMBER_SIZE * room) / wide) / 2)}px`;
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

/** Keep the names of rows in sight, fade the edge behind which the picture goes on, and leave out what an edge cuts. */
export function followScroll(stage) {
  for (const names of stage.querySelectorAll(".pinned")) names.setAttribute("transform", `translate(${stage.scrollLeft})`);
  stage.classList.toggle("rc-more", stage.scrollLeft + stage.clientWidth < stage.scrollWidth - 1);
  hideCut(stage);
}

/** What the names of rows cover at the left: how wide, and down to where. */
function coverOf(stage) {
  const paper = stage.querySelector(".rc-scene:not(.rc-narrow) .pinned > .paper")?.getBoundingClientRect();
  return { width: paper?.width ?? 0, bottom: paper?.bottom ?? -Infinity };
}

/** Hide the texts that an edge cuts: half of 0.339 reads 339. */
export function hideCut(stage) {
  if (stage.scrollWidth <= stage.clientWidth && !stage.rcHides) return;
  const view = stage.getBoundingClientRect();
  const cover = coverOf(stage);
  const texts = [...stage.querySelectorAll("text")].filter((text) => !text.closest(".pinned"));
  const boxes = texts.map((text) => text.getBoundingClientRect());
  stage.rcHides = false;
  texts.forEach((text, n) => {
    const { left, right, top } = boxes[n];
    const edge = view.left + (top < cover.bottom ? cover.width : 0);
    const cut = right > left && ((left < edge - 1 && right > edge) || (left < view.right && right > view.right + 1));
    text.classList.toggle("rc-cut", cut);
    stage.rcHides ||= cut;
  });
}

/**
 * After a scroll, let no number be cut by the names of rows, which lie over the left edge. What is cut is shown whole, or, where
 * that would push out of sight what the step is about, not at all.
 */
export function snap(stage) {
  const names = coverOf(stage);
  if (stage.scrollLeft <= 0 || stage.scrollLeft + stage.clientWidth >= stage.scrollWidth - 1) return;
  const view = stage.getBoundingClientRect();
  const edge = view.left + names.width; // they follow a scroll only with its event
  const boxes = [...stage.querySelectorAll("[data-mark] > .box")].map((box) => box.getBoundingClientRect());
  const covered = (box) => names.width === 0 || box.top < names.bottom;
  const cut = boxes.filter((box) => box.left < edge - 1 && box.right > edge + 1 && covered(box) && box.width < view.width / 2);
  if (!cut.length) return;
  const back = edge - Math.min(...cut.map((box) => box.left)) + 2;
  const on = Math.max(...cut.map((box) => box.right)) - edge + 2;
  const shown = stage.rcShown?.getBoundingClientRect();
  const free = !shown || shown.right <= edge || shown.left >= view.right; // the reader has scrolled away from it
  if (free || shown.right + back <= view.right) stage.scrollLeft -= back;
  else if (shown.left - on >= edge) stage.scrollLeft += on;
  stage.rcSnapped = stage.scrollLeft; // rows have columns of their own: to snap to one may cut another, and that is the end of it
}

/** Scroll to what a step is about. */
export function bringIntoView(stage, marks, patch, computed) {
  if (stage.scrollWidth <= stage.clientWidth) return;
  hideCut(stage);
  // What the step is about: what it computes, else what it lights up, and a number to change only if all else is still.
  const rank = (name) => (computed.includes(name) ? 0 : 4) + (marks[name].element.matches(".emission") ? 2 : 0);
  const lit = (kind, state) =>
    Object.keys(patch).filter((name) => marks[name].element.matches(kind) && marks[name].element.dataset.state === state);
  const [cell] = [...lit(".cell", "now"), ...lit(".cell", "path")].sort((a, b) => rank(a) - rank(b));
  const name = cell ?? lit(".dot", "now")[0]; // a point of a curve, where no cell changes
  if (name) showWhole(stage, marks[name].element);
}

/** Scroll to a mark, clear of the names of rows: by their width, because they follow a scroll only with its event. */
export function showWhole(stage, mark) {
  const box = mark.getBoundingClientRect();
  const view = stage.getBoundingClientRect();
  const names = coverOf(stage);
  const left = view.left + (box.top < names.bottom ? names.width : 0);
  const margin = Math.max(4, Math.min(view.width / 3, (view.right - left - box.width) / 2));
  let shift = Math.max(0, box.right - view.right + margin);
  if (box.left - shift < left + margin) shift = box.left - left - margin;
  stage.scrollLeft += shift;
  stage.rcShown = mark;
  snap(stage);
}
