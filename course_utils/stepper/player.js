// Plays any scene: inserts its drawing, applies its patches forward and backward, shows how a number came about.
// There is no algorithm and no geometry in here. What a scene is, course_utils/scenes/scene.py says.

import { asking } from "./asking.js";
import { changing } from "./changing.js";
import { icon } from "./elements.js";
import { explaining } from "./explaining.js";
import { frame } from "./frame.js";
import { listOfKeys } from "./help.js";
import { questionBefore } from "./prediction.js";
import { bringIntoView, fitDrawing, fitNumber, followScroll, keepRoom, scaleOf, showWhole, snap } from "./room.js";
import { between, neighbour, owners, stepAfterKey, undoPatches } from "./state.js";
import { walkable } from "./walk.js";
import { walking } from "./walking.js";
import { writeFormula, writeLegend, writeSentence } from "./words.js";

const MILLISECONDS_A_STEP = 1200;

/**
 * Play `scene` inside `el`. `onStep(n)` hears of every step; `onEdit(mark, value)` of every mark that the reader
 * changes, and returns false where it cannot be sent; it may be absent: then nothing can be changed. Without a mark it asks
 * for the numbers of the beginning, which it can where `resettable` says so.
 */
export function mount(el, scene, { step = 0, onStep = () => {}, onEdit = null, resettable = false } = {}) {
  const parts = frame();
  const { root, stage, tip, says, formula, note, keys, numbers, legend, buttons, slider, count, speed } = parts;
  const { ask, reset, help } = buttons;
  reset.hidden = onEdit === null || !resettable;
  const asks = asking(
    {
      stepAt: (n) => scene.steps[n],
      nameOf: (name) => marks[name].label ?? name,
      reveal: (n) => go(n),
      focus: () => root.focus({ preventScroll: true }),
      forget: () => (furthest = current),
    },
    ask,
  );
  formula.after(asks.place);
  el.append(root);

  let current = -1;
  let furthest = 0; // the last step that the reader has seen
  let marks = {};
  let initial = {}; // every mark as it is drawn
  let undo = [];
  let owner = {};
  let timer = null;

  const changes = changing(
    {
      tip,
      place: (element) => tips.place(element),
      hideTip: () => tips.hide(),
      say,
      markOf: (name) => marks[name],
      redraw: () => insert(scene, current),
      scale: () => scaleOf(stage),
      focus: (name) => (marks[name]?.element ?? root).focus({ preventScroll: true }),
    },
    onEdit,
  );
  const walk = walking({
    walk: () => scene.walk,
    current: () => current,
    stepOf: (name) => owner[name],
    lay: laySteps,
    toStep,
    say,
    walkableAt: (x, y) => (isWalked(markOf(document.elementFromPoint(x, y))) ? markOf(document.elementFromPoint(x, y)).dataset.mark : null),
  });
  const last = () => scene.steps.length - 1;
  const markOf = (target) => target?.closest?.("[data-mark]") ?? null;
  const isWalked = (element) => element?.dataset.walk === "";
  const editAt = (element) => (element ? marks[element.dataset.mark].edit : null);
  const tips = explaining(parts, {
    scene: () => scene,
    markOf: (name) => marks[name],
    elementAt: markOf,
    stepOf: (name) => owner[name],
    current: () => current,
    tellName,
    how: changes.how,
    editing: changes.editing,
    busy: () => changes.editing() || changes.dragging() || walk.drawing(),
    silent: isWalked, // its tip would lie over the cell that comes next; the sentence says the same
  });

  // -- drawing

  function insert(newScene, at) {
    const focused = markOf(document.activeElement)?.dataset.mark;
    const scrolled = stage.scrollLeft;
    walk.takeAlong(scene.walk, newScene.walk);
    scene = newScene;
    const walked = scene.walk ? walkable(scene.walk) : new Set();
    stage.innerHTML = scene.svg;
    stage.rcShown = null;
    numbers.innerHTML = scene.table;
    writeLegend(legend, scene.legend);
    ask.hidden = Boolean(scene.walk) || !scene.steps.some(questionBefore); // a walk's steps are the reader's own
    keys.replaceChildren(listOfKeys(onEdit !== null && Object.keys(scene.edits).length > 0, Boolean(scene.walk)));
    root.setAttribute("aria-label", `${scene.title}. Left and right arrow keys step, Shift with an arrow key moves between cells.`);
    marks = {};
    initial = {};
    laySteps();
    for (const element of stage.querySelectorAll("[data-mark]")) {
      const name = element.dataset.mark;
      const slot = element.querySelector(".slot");
      const tint = element.querySelector(".tint");
      const edit = onEdit !== null && scene.edits[name] ? { ...scene.edits[name] } : null;
      const box = slot?.getAttribute("text-anchor") === "middle" && element.querySelector("rect.box");
      marks[name] = { element, slot, tint, edit, room: box ? box.width.baseVal.value - 6 : null };
      initial[name] = [element.dataset.state ?? "", slot?.textContent ?? "", Number(tint?.getAttribute("fill-opacity") ?? 0)];
      if (walked.has(name)) element.dataset.walk = "";
      const reached = edit || tips.hintOf(name) || walked.has(name);
      if (reached) element.setAttribute("tabindex", "-1");
      if (reached || element.hasAttribute("aria-label")) {
        element.setAttribute("role", "img"); // a name is only heard where there is a role
        marks[name].label = element.getAttribute("aria-label") ?? name;
      }
      if (edit) changes.prepare(marks[name]);
    }
    stage.querySelector("[tabindex]")?.setAttribute("tabindex", "0");
    laySteps();
    current = -1;
    fit();
    go(Math.min(at, last()), false);
    for (const name of Object.keys(marks)) tellName(name);
    stage.scrollLeft = scrolled;
    changes.drawn();
    if (focused) (marks[focused]?.element ?? root).focus({ preventScroll: true });
  }

  /** Take what the reader has walked for the steps of the scene, and make ready to go back. */
  function laySteps() {
    if (scene.walk) scene = { ...scene, steps: walk.steps(scene.walk) };
    owner = owners(scene.steps);
    undo = undoPatches(initial, scene.steps);
    slider.max = last();
  }

  function apply(patch) {
    for (const [name, [state, text, level]] of Object.entries(patch)) {
      const { element, slot, tint, room } = marks[name];
      if (state != null) element.dataset.state = state;
      if (text != null && slot) slot.textContent = text;
      if (text != null && room) fitNumber(slot, room);
      if (level != null && tint) tint.setAttribute("fill-opacity", level);
      tellName(name);
    }
  }

  /** Let the accessible name of a mark say what is written in it, and its state in words. */
  function tellName(name) {
    const { element, slot, label } = marks[name];
    if (label === undefined || tips.describes(name)) return;
    const parts = [label, slot?.textContent, scene.legend.states[element.dataset.state]];
    element.setAttribute("aria-label", parts.filter(Boolean).join(", "));
  }

  /** Draw the picture as wide as there is room, and keep room for the longest sentence and the longest formula. */
  function fit() {
    fitDrawing(stage);
    const longest = (what) => (scene.walk?.nodes ?? scene.steps).reduce((most, step) => (step[what].length > most.length ? step[what] : most), "");
    keepRoom(says, longest("says"), (probe) => writeSentence(probe, longest("says"), scene.legend));
    keepRoom(formula, longest("formula"), (probe) => writeFormula(probe, longest("formula"), scene.legend));
    for (const { slot, room } of Object.values(marks)) if (room) fitNumber(slot, room);
  }

  function go(to, tell = true) {
    if (to === current) return;
    if (!changes.editing()) tips.hide();
    say("");
    const patch = between(scene.steps, undo, current, to);
    apply(patch);
    current = to;
    furthest = Math.max(furthest, to);
    asks.stepped(to);
    const { says: sentence, formula: math } = scene.steps[to];
    writeSentence(says, sentence, scene.legend);
    writeFormula(formula, math, scene.legend);
    slider.value = to;
    slider.setAttribute("aria-valuetext", `step ${to + 1} of ${last() + 1}: ${sentence}`);
    count.textContent = `${to + 1} / ${last() + 1}`;
    // Not `disabled`, which would drop the focus of a button that has just been pressed, and the arrow keys with it.
    for (const name of ["first", "previous"]) buttons[name].setAttribute("aria-disabled", to === 0);
    for (const name of ["next", "last"]) buttons[name].setAttribute("aria-disabled", to === last());
    root.dataset.step = to;
    if (to === last()) pause();
    bringIntoView(stage, marks, patch, scene.steps[to].computes);
    if (tell) onStep(to);
  }

  // -- playing

  function pause() {
    clearInterval(timer);
    timer = null;
    buttons.play.innerHTML = icon("play");
    buttons.play.setAttribute("aria-label", "Play");
    buttons.play.title = "Play";
  }

  function play() {
    if (last() === 0) return;
    if (current === last()) go(0);
    buttons.play.innerHTML = icon("pause");
    buttons.play.setAttribute("aria-label", "Pause");
    buttons.play.title = "Pause";
    clearInterval(timer);
    timer = setInterval(() => go(current + 1), MILLISECONDS_A_STEP / Number(speed.value));
  }

  function toStep(to) {
    pause();
    const at = Math.min(Math.max(to, 0), last());
    const isNews = at === current + 1 && at > furthest;
    if (!isNews || !asks.before(at)) go(at);
  }

  /** Go to the step that computed a mark. One that is still to come stays a secret, or there is nothing to predict. */
  function toOwner(name) {
    if (owner[name] > furthest) say("That is computed later: step on to it. End shows everything.");
    else toStep(owner[name]);
  }

  function say(text) {
    note.textContent = text;
    note.hidden = !text;
  }

  function toggleHelp(open = keys.hidden) {
    keys.hidden = !open;
    help.setAttribute("aria-expanded", open);
  }

  // -- listening

  function onKey(event) {
    if (event.ctrlKey || event.metaKey) return; // Ctrl+S must still save
    // One-letter shortcuts of the notebook would cut, insert or change the cell around this widget.
    event.stopPropagation();
    const { key, target } = event;
    if (key === "Tab" || target === speed || target.closest("summary")) return;
    if (target instanceof HTMLButtonElement && (key === " " || key === "Enter")) return;
    const mark = markOf(target);
    const name = mark?.dataset.mark;
    let handled = true;
    if (event.altKey) handled = editAt(mark) !== null && changes.key(name, key, true);
    else if (event.shiftKey && key.startsWith("Arrow")) moveFocus(key, mark);
    else if (editAt(mark) && changes.key(name, key)) handled = true;
    else if (isWalked(mark) && key === "Enter") walk.to(name);
    else if (mark && key === "Enter" && owner[name] !== undefined) toOwner(name);
    else if (walk.key(key)) handled = true;
    else if (key === " ") timer ? pause() : play();
    else if (key === "?") toggleHelp();
    else if (key === "Escape") changes.takeBack() || (keys.hidden ? tips.dismiss() : toggleHelp(false));
    else {
      const to = stepAfterKey(key, current, last());
      if (to === null) handled = false;
      else toStep(to);
    }
    if (handled) event.preventDefault();
  }

  function moveFocus(key, from) {
    const all = [...stage.querySelectorAll("[tabindex]")].map((element) => ({ element, rect: element.getBoundingClientRect() }));
    const next = from ? neighbour(key, from.getBoundingClientRect(), all)?.element : all[0]?.element;
    if (!next) return;
    stage.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  }

  function onDown(event) {
    const mark = markOf(event.target);
    if (editAt(mark) && event.button === 0) {
      changes.down(mark.dataset.mark, event);
      stage.setPointerCapture(event.pointerId);
      mark.focus({ preventScroll: true });
      event.preventDefault();
    } else if (isWalked(mark) && event.button === 0) {
      stage.setPointerCapture(event.pointerId);
      root.focus({ preventScroll: true });
      walk.down(mark.dataset.mark);
      event.preventDefault();
    } else if (!event.target.closest("button, input, select, .rc-tip")) {
      root.focus({ preventScroll: true });
      event.preventDefault();
    }
  }

  function onClick(event) {
    const mark = markOf(event.target);
    if (mark && !isWalked(mark) && !editAt(mark) && owner[mark.dataset.mark] !== undefined) toOwner(mark.dataset.mark);
  }

  root.addEventListener("keydown", onKey);
  parts.drawing.addEventListener("pointerdown", onDown);
  // A finger that drags a number must not scroll the page; `touch-action` does not reach inside a drawing.
  stage.addEventListener("touchstart", (event) => event.target.closest("[data-edit], [data-walk]") && event.preventDefault(), { passive: false });
  stage.addEventListener("pointermove", (event) => {
    if (changes.dragging()) changes.move(event);
    else if (walk.drawing()) walk.move(event);
  });
  stage.addEventListener("pointerup", () => {
    walk.up();
    changes.up();
  });
  stage.addEventListener("pointercancel", () => {
    walk.up();
    changes.cancel();
  });
  stage.addEventListener("click", onClick);
  stage.addEventListener("scroll", () => {
    if (!changes.editing()) tips.hide();
    followScroll(stage);
  });
  stage.addEventListener("scrollend", () => stage.scrollLeft === stage.rcSnapped || snap(stage));
  stage.addEventListener("focusin", (event) => {
    const mark = markOf(event.target);
    if (!mark || changes.dragging()) return;
    if (stage.scrollWidth > stage.clientWidth) showWhole(stage, mark);
    tips.show(mark);
  });
  slider.addEventListener("input", () => toStep(Number(slider.value)));
  buttons.first.addEventListener("click", () => toStep(0));
  buttons.previous.addEventListener("click", () => toStep(current - 1));
  buttons.next.addEventListener("click", () => toStep(current + 1));
  buttons.last.addEventListener("click", () => toStep(last()));
  buttons.play.addEventListener("click", () => (timer ? pause() : play()));
  reset.addEventListener("click", () => changes.reset());
  help.addEventListener("click", () => toggleHelp());
  speed.addEventListener("change", () => timer && play());

  insert(scene, step);
  // A stage that becomes narrow, or is laid out at last, shows what its step is about.
  let wide = 0;
  const width = new ResizeObserver(() => {
    if (stage.clientWidth === wide) return;
    wide = stage.clientWidth;
    fit();
    bringIntoView(stage, marks, marks, scene.steps[current].computes);
  });
  width.observe(stage);

  return {
    /** Go to a step that another view, or Python, has chosen. */
    follow(to) {
      go(Math.min(Math.max(to, 0), last()), false);
    },
    /** Show another scene and keep the place. */
    show(newScene) {
      insert(newScene, Math.max(current, 0));
    },
    /** An edit is done with, and its scene, if it made a new one, has been shown; `text` says why it was refused. */
    answer: (text = "") => changes.answer(text),
    destroy() {
      clearInterval(timer);
      tips.destroy();
      changes.destroy();
      width.disconnect();
      root.remove();
    },
  };
}
