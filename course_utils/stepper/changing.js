// How a reader changes what stands at a mark: by dragging, with the arrow keys, or in an editor. What may be changed,
// and within which range, the scene says; what becomes of it is for whoever listens to `onEdit`.

import { make } from "./elements.js";
import { KINDS } from "./edits.js";

const MILLISECONDS_TO_ANSWER = 6000;
const NO_DRAG = 3; // pixels

/**
 * Let the reader change marks. `player` lends its hands: `markOf(name)` gives element, slot, tint and edit, with the
 * value that stands there now; `redraw()` shows again what the steps say; `tip`, `place` and `hideTip` are for the
 * editor; `say(text)` tells the reader something; `focus(name)` goes back to a mark.
 */
export function changing(player, onEdit) {
  let waiting = null;
  let unsent = null;
  let stale = false;
  let drag = null;

  const kindOf = (edit) => KINDS[edit.kind];

  function send(name, value) {
    if (waiting) {
      unsent = [name, value]; // one at a time: a drag must not queue up a hundred scenes
      return;
    }
    waiting = setTimeout(noAnswer, MILLISECONDS_TO_ANSWER);
    if (onEdit(name, value) === false) noAnswer();
  }

  function noAnswer() {
    clearTimeout(waiting);
    waiting = unsent = null;
    player.redraw();
    player.say(
      "The kernel does not answer. Stepping needs no kernel, but changing a number does. " +
        "If it is busy, wait and try again; if it is gone, start it and run this cell again.",
    );
  }

  /** Show the new value at its mark until the scene that it makes is there. */
  function preview({ element, slot, tint, edit }, value) {
    stale = true;
    edit.now = value;
    const kind = kindOf(edit);
    for (const [name, text] of Object.entries(kind.aria(value, edit))) element.setAttribute(name, text);
    if (slot && kind.written) slot.textContent = kind.written(value);
    const level = kind.level(value, edit);
    if (tint && level !== null) tint.setAttribute("fill-opacity", level);
    const shift = kind.shift(value, edit);
    if (shift) element.setAttribute("transform", `translate(${shift.join(" ")})`);
  }

  function change(name, value) {
    const mark = player.markOf(name);
    if (!mark?.edit) return; // the scene has changed since, and has no such number
    player.say("");
    preview(mark, value);
    send(name, value);
  }

  function open(name, typed = "") {
    const { element, edit } = player.markOf(name);
    const kind = kindOf(edit);
    const label = `${edit.name[0].toUpperCase()}${edit.name.slice(1)} ${kind.range(edit)}`;
    const input = make("input", "rc-editor", { type: "text", inputmode: "decimal" });
    input.value = typed || kind.written(edit.now);
    player.tip.replaceChildren(make("label", "", {}, `${label} `, input));
    player.place(element);
    let isOpen = true;
    const done = (keep, byKey) => {
      if (!isOpen) return;
      isOpen = false; // taking away what has the focus calls this once more, through blur
      const value = kind.read(input.value, edit);
      player.hideTip();
      input.remove();
      if (byKey) player.focus(name); // else the reader has chosen where to go
      if (!keep) return;
      if (value === null) player.say(`“${input.value}” is no ${edit.name}: type ${kind.asks} ${kind.range(edit)}.`);
      else if (kind.written(value) !== kind.written(edit.now)) change(name, value);
    };
    input.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey) return;
      event.stopPropagation();
      if (event.key === "Enter") done(true, true);
      if (event.key === "Escape") done(false, true);
      if (event.key === "Enter" || event.key === "Escape") event.preventDefault();
    });
    input.addEventListener("blur", () => done(true, false));
    input.focus({ preventScroll: true });
    if (typed) input.setSelectionRange(typed.length, typed.length);
    else input.select();
  }

  /** Press a mark: choose it or give it up, or open the editor. */
  function press(name, typed) {
    const { edit } = player.markOf(name);
    if (edit.kind === "choice") change(name, !edit.now);
    else open(name, typed);
  }

  return {
    /** Whether the editor is open. */
    editing: () => player.tip.querySelector("input") !== null && !player.tip.hidden,
    dragging: () => drag !== null,
    how: (edit) => kindOf(edit).how(edit),

    /** Make a mark ready: it can be reached, and says what it holds. */
    prepare({ element, edit }) {
      edit.now = edit.value;
      element.dataset.edit = edit.kind;
      element.setAttribute("role", kindOf(edit).role);
      for (const [name, text] of Object.entries(kindOf(edit).aria(edit.now, edit))) element.setAttribute(name, text);
    },

    /** The scene is another one: a drag of what it does not have is over. */
    drawn() {
      stale = false;
      if (drag && !player.markOf(drag.name)?.edit) drag = null;
    },

    /** A key at a mark that can be changed; returns whether it meant something here. */
    key(name, key) {
      const { edit } = player.markOf(name);
      const kind = kindOf(edit);
      if (kind.keys.includes(key)) change(name, kind.nudged(edit.now, key, edit));
      else if (key === "Enter") press(name);
      else if (edit.kind !== "choice" && /^[\d.,]$/.test(key)) open(name, key);
      else return false;
      return true;
    },

    down(name, event) {
      drag = { name, x: event.clientX, y: event.clientY, from: player.markOf(name).edit.now, value: null };
    },

    move(event) {
      const { edit } = player.markOf(drag.name);
      const [right, up] = [event.clientX - drag.x, drag.y - event.clientY];
      const [along] = kindOf(edit).keys.includes("ArrowRight") ? [Math.hypot(right, up)] : [Math.abs(up)];
      if (!kindOf(edit).dragged || (drag.value === null && along < NO_DRAG)) return;
      const value = kindOf(edit).dragged(drag.from, { right, up }, edit);
      if (drag.value !== null && String(value) === String(drag.value)) return;
      drag.value = value;
      player.hideTip();
      change(drag.name, value);
    },

    up() {
      if (!drag) return;
      const { name, value } = drag;
      drag = null;
      if (value === null && player.markOf(name)?.edit) press(name);
    },

    cancel() {
      drag = null;
    },

    /** An edit is done with, and its scene, if it made a new one, has been shown; `text` says why it was refused. */
    answer(text) {
      if (text || stale) player.redraw();
      player.say(text);
      clearTimeout(waiting);
      waiting = null;
      if (unsent) {
        const next = unsent;
        unsent = null;
        send(...next);
      }
    },

    destroy() {
      clearTimeout(waiting);
    },
  };
}
