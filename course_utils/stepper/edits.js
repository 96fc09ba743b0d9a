// What a reader may change at a mark, by kind: a number, a choice, a point of a plane. Pure functions of what
// course_utils/scenes/edits.py sends; all of them have the same ones, so the player need not know which it holds.

const LIKE_A_NUMBER = /^-?(\d+\.?\d*|\.\d+)(e-?\d+)?$/i;
const WHOLE_RANGE = 200; // pixels that a number is dragged through from one end of its range to the other
const A_PRESS = 10; // pixels that an arrow key is worth
const A_LEAP = 50; // and a page key

/** "a probability", "an input". */
export const withArticle = (name) => `${/^[aeiou]/i.test(name) ? "an" : "a"} ${name}`;

/** A number as typed, with a point or a comma, or null where it is none or lies out of range. */
export function readNumber(typed, { low, high }) {
  const text = String(typed).trim().replace(",", ".").replace("−", "-");
  const value = LIKE_A_NUMBER.test(text) ? Number(text) : NaN;
  return value >= low && value <= high ? value : null;
}

/** A number after a drag that is worth `change`: it stays in its range and lands on a multiple of `grain`. */
function moved(value, change, low, high, grain) {
  const to = Math.min(Math.max(value + change, low), high);
  return Number((Math.round(to / grain) * grain).toFixed(10));
}

const number = {
  keys: ["ArrowUp", "ArrowDown", "PageUp", "PageDown"],
  role: "spinbutton",
  read: readNumber,
  dragged: (value, { up }, { low, high, grain }) => moved(value, ((high - low) * up) / WHOLE_RANGE, low, high, grain),
  /** The value after a key; `fine` is for the smallest step there is. */
  nudged(value, key, edit, fine = false) {
    const sign = key.endsWith("Up") ? 1 : -1;
    if (fine) return moved(value, sign * edit.grain, edit.low, edit.high, edit.grain);
    return number.dragged(value, { up: sign * (key.startsWith("Page") ? A_LEAP : A_PRESS) }, edit);
  },
  asks: "a number",
  written: (value) => String(value),
  range: ({ low, high }) => `from ${low} to ${high}`,
  how: ({ name }) => `Drag up or down, or type ${withArticle(name)}.`,
  aria: (value, { low, high }) => ({ "aria-valuemin": low, "aria-valuemax": high, "aria-valuenow": value }),
  level: (value, { tint }) => (tint ? tint * Math.min(Math.abs(value), 1) : null),
  shift: () => null,
};

const point = {
  keys: ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"],
  role: "spinbutton",
  read(typed, { low, high }) {
    const parts = String(typed).trim().replace(/^\(|\)$/g, "").split(/;\s*|,\s+|\s+/);
    if (parts.length !== 2) return null;
    const value = parts.map((part, k) => readNumber(part, { low: low[k], high: high[k] }));
    return value.includes(null) ? null : value;
  },
  dragged: (value, { right, up }, { low, high, grain, size }) =>
    [right, up].map((by, k) => moved(value[k], ((high[k] - low[k]) * by) / size[k], low[k], high[k], grain)),
  nudged(value, key, { low, high, grain }, fine = false) {
    const [right, up] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
    const step = (k) => (fine ? grain : Math.max(grain, (high[k] - low[k]) / 40));
    return [right, up].map((by, k) => (by ? moved(value[k], by * step(k), low[k], high[k], grain) : value[k]));
  },
  asks: "two numbers",
  written: (value) => value.join("; "),
  range: ({ low, high }) => `from (${low.join(", ")}) to (${high.join(", ")})`,
  how: ({ name }) => `Drag it, move it with the arrow keys, or type the two numbers of ${withArticle(name)}.`,
  aria: (value, { name }) => ({ "aria-valuenow": value[0], "aria-valuetext": `${name} (${value.join(", ")})` }),
  level: () => null,
  /** By how much the mark lies aside of where it was drawn, in the units of the drawing: to the right, and down. */
  shift: (value, { value: drawn, low, high, size }) =>
    [0, 1].map((k) => ((k ? -1 : 1) * (value[k] - drawn[k]) * size[k]) / (high[k] - low[k])),
};

const choice = {
  keys: [],
  role: "checkbox",
  how: ({ name }) => `Press it to choose this ${name}, or to give it up.`,
  aria: (value) => ({ "aria-checked": value }),
  level: () => null,
  shift: () => null,
};

export const KINDS = { number, point, choice };
