// The state of the player: pure functions of the steps of a scene, tested without a browser.

/** Lay `later` over `earlier`, both maps of mark -> [state, text, level]; null or absent leaves a value alone. */
export function merge(earlier, later) {
  return lay({ ...earlier }, later);
}

/** The same in place: copying a whole map at every step would make long scenes slow. */
function lay(marks, later) {
  for (const [mark, values] of Object.entries(later)) {
    const before = marks[mark] ?? [];
    marks[mark] = [0, 1, 2].map((k) => values[k] ?? before[k] ?? null);
  }
  return marks;
}

/** For each step the patch that takes it back; `initial` holds every mark as it is drawn. */
export function undoPatches(initial, steps) {
  const marks = { ...initial };
  return steps.map(({ patch }) => {
    const undo = {};
    for (const [mark, values] of Object.entries(patch)) {
      undo[mark] = [0, 1, 2].map((k) => ((values[k] ?? null) === null ? null : (marks[mark]?.[k] ?? null)));
    }
    lay(marks, patch);
    return undo;
  });
}

/** One patch that leads from after step `from` to after step `to`; −1 is the bare drawing. */
export function between(steps, undo, from, to) {
  const patch = {};
  for (let n = from + 1; n <= to; n++) lay(patch, steps[n].patch);
  for (let n = from; n > to; n--) lay(patch, undo[n]);
  return patch;
}

/** The step that computes each mark. */
export function owners(steps) {
  const owner = {};
  steps.forEach(({ computes }, n) => computes.forEach((mark) => (owner[mark] ??= n)));
  return owner;
}

/** Where a key leads from `step`, or null where the key means nothing. */
export function stepAfterKey(key, step, last) {
  const to = { ArrowRight: step + 1, ArrowLeft: step - 1, Home: 0, End: last, PageDown: step + 5, PageUp: step - 5 }[key];
  return to === undefined ? null : Math.min(Math.max(to, 0), last);
}

/** The nearest rectangle in the direction of an arrow key, or null. */
export function neighbour(key, here, others) {
  const [dx, dy] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key] ?? [0, 0];
  const middle = (r) => [r.x + r.width / 2, r.y + r.height / 2];
  const [x, y] = middle(here);
  let best = null;
  let least = Infinity;
  for (const other of others) {
    const [ox, oy] = middle(other.rect);
    const along = (ox - x) * dx + (oy - y) * dy;
    const aside = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
    const cost = along + 3 * aside;
    if (along > 1 && cost < least) [best, least] = [other, cost];
  }
  return best;
}
