// How a reader changes what stands at a mark: by dragging, with the arrow keys, or in an editor. What may be changed,
// and within which range, the scene says; what becomes of it is for whoever listens to `onEdit`.

import { make } from "./elements.js";
import { KINDS } from "./edits.js";

const MILLISECONDS_OF_PATIENCE = 2000; // until the reader hears what is waited for
const MILLISECONDS_TO_ANSWER = 60_000;
const NO_DRAG = 3; // pixels

/**
 * Let the reader change marks. `player` lends its hands: `markOf(name)` gives element, slot, tint and edit, with the
 * value that stands there now; `scale()` is how many pixels a unit of the drawing has; `redraw()` shows again what the steps say; `tip`, `place` and `hideTip` are for the
 * editor; `say(text)` tells the reader something; `focus(name)` goes back to a mark.
 */
export function changing(player, onEdit) {
  let waiting = null; // the timers of an edit that is not answered yet
  let unsent = null;
  let stale = false;
  let drag = null;

  const kindOf = (edit) => KINDS[edit.kind];

  function send(name, value) {
    if (waiting) {
      unsent = [name, value]; // one at a time: a drag must not queue up a hundred scenes
      return;
    }
    waiting = [setTimeout(sayWaiting, MILLISECONDS_OF_PATIENCE), setTimeout(noAnswer, MILLISECONDS_TO_ANSWER)];
    if (onEdit(name, value) === false) noAnswer();
  }

  function noLongerWaiting() {
    waiting?.forEach(clearTimeout);
    waiting = null;
  }

  function sayWaiting() {
    player.say(
      "The kernel is busy, and this change waits for it. If the kernel is gone, start it and run this cell again. Stepping needs none.",
    );
  }

  function noAnswer() {
    noLongerWaiting();
    unsent = null;
    player.redraw();
    player.say(
      "The kernel does not answer. Stepping needs no kernel, but changing a number does: start it and run this cell again.",
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
  function press(name) {
    const { edit } = player.markOf(name);
    if (edit.kind === "choice") change(name, !edit.now);
    else open(name);
  }

  return {
    /** Ask for the numbers that the scene had at first. */
    reset() {
      player.say("");
      send(null, null);
    },

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

    /** The scene is another one: a drag of what it does not have is over, and what was changed since stays changed. */
    drawn() {
      stale = false;
      if (drag && !player.markOf(drag.name)?.edit) drag = null;
      const mark = unsent && player.markOf(unsent[0]);
      if (mark?.edit) preview(mark, unsent[1]);
    },

    /** A key at a mark that can be changed, `fine` with Alt; returns whether it meant something here. */
    key(name, key, fine) {
      const { edit } = player.markOf(name);
      const kind = kindOf(edit);
      if (kind.keys.includes(key)) change(name, kind.nudged(edit.now, key, edit, fine));
      else if (fine) return false;
      else if (key === "Enter") press(name);
      else if (edit.kind !== "choice" && /^[\d.,\-−]$/.test(key)) open(name, key);
      else return false;
      return true;
    },

    /** Take a drag back that is not over yet; returns whether there was one. */
    takeBack() {
      if (!drag) return false;
      const { name, from, value } = drag;
      drag = null;
      if (value !== null) change(name, from);
      return true;
    },

    down(name, event) {
      drag = { name, x: event.clientX, y: event.clientY, from: player.markOf(name).edit.now, value: null };
    },

    move(event) {
      const { edit } = player.markOf(drag.name);
      const slowly = event.shiftKey ? 0.1 : 1;
      const [right, up] = [event.clientX - drag.x, drag.y - event.clientY].map((pixels) => (slowly * pixels) / player.scale());
      const along = edit.kind === "point" ? Math.hypot(right, up) : Math.abs(up);
      if (!kindOf(edit).dragged || (drag.value === null && along < NO_DRAG * slowly)) return;
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
      noLongerWaiting();
      if (unsent) {
        const next = unsent;
        unsent = null;
        send(...next);
      }
    },

    destroy() {
      noLongerWaiting();
    },
  };
}
