// Plays any scene: inserts its drawing, applies its patches forward and backward, shows how a number came about.
// There is no algorithm and no geometry in here. What a scene is, course_utils/scenes/scene.py says.

// ---------------------------------------------------------------------------------------------------------------
// State: pure functions, tested without a browser.

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

/** A number as typed, with a point or a comma, or null where it is none or lies out of range. */
export function readNumber(typed, { low, high }) {
  const text = String(typed).trim().replace(",", ".").replace("−", "-");
  const value = /^-?(\d+\.?\d*|\.\d+)(e-?\d+)?$/i.test(text) ? Number(text) : NaN;
  return value >= low && value <= high ? value : null;
}

/** A number after a drag of `pixels` upwards: 200 pixels are the whole range, and it lands on a multiple of `grain`. */
export function dragged(value, pixels, { low, high, grain }) {
  const to = Math.min(Math.max(value + ((high - low) * pixels) / 200, low), high);
  return Number((Math.round(to / grain) * grain).toFixed(10));
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

// ---------------------------------------------------------------------------------------------------------------
// The player.

const ICONS = {
  first: "M5 4h2v12H5zM16 4v12l-8-6z",
  previous: "M13 4l1.5 1.5-4.5 4.5 4.5 4.5L13 16l-6-6z",
  play: "M6 3.5v13l10-6.5z",
  pause: "M5 4h4v12H5zM11 4h4v12h-4z",
  next: "M7 4 5.5 5.5 10 10l-4.5 4.5L7 16l6-6z",
  last: "M4 4v12l8-6zM13 4h2v12h-2z",
};
const SPEEDS = [0.5, 1, 2, 4];
const MILLISECONDS_A_STEP = 1200;
const MILLISECONDS_TO_ANSWER = 6000;

function make(tag, css, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (css) element.className = css;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function icon(name) {
  return `<svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
}

/**
 * Play `scene` inside `el`. `onStep(n)` hears of every step; `onEdit(mark, value)` of every number that the reader
 * changes, and returns false where it cannot be sent; it may be absent: then no number can be changed.
 */
export function mount(el, scene, { step = 0, onStep = () => {}, onEdit = null } = {}) {
  const stage = make("div", "rc-stage");
  const tip = make("div", "rc-tip", { hidden: "" });
  const says = make("p", "rc-says", { "aria-live": "polite" });
  const formula = make("div", "rc-formula");
  const note = make("p", "rc-note", { role: "alert", hidden: "" });
  const count = make("span", "rc-count");
  const slider = make("input", "rc-slider", { type: "range", min: "0", step: "1", "aria-label": "Step" });
  const speed = make("select", "rc-speed", { "aria-label": "Speed", title: "Speed of playing" });
  for (const s of SPEEDS) speed.append(new Option(`${s}×`, s, s === 1, s === 1));
  const buttons = {};
  const labels = { first: "First step", previous: "Previous step", play: "Play", next: "Next step", last: "Last step" };
  for (const [name, label] of Object.entries(labels)) {
    buttons[name] = make("button", "rc-button", { type: "button", "aria-label": label, title: label });
    buttons[name].innerHTML = icon(name);
  }
  const controls = make("div", "rc-controls", {}, ...Object.values(buttons), slider, count, speed);
  const frame = make("div", "rc-frame", {}, stage, tip);
  const root = make("div", "rc-stepper", { tabindex: "0", role: "group", "aria-roledescription": "stepper" });
  root.append(frame, controls, says, formula, note);
  el.append(root);

  let current = -1;
  let marks = {};
  let undo = [];
  let owner = {};
  let timer = null;
  let drag = null;
  let waiting = null;
  let unsent = null;
  let stale = false;
  let described = null;

  const editing = () => tip.querySelector("input") !== null && !tip.hidden;
  const last = () => scene.steps.length - 1;
  const markOf = (target) => target?.closest?.("[data-mark]") ?? null;
  const hintOf = (name) => scene.hints[name] ?? scene.steps[owner[name]] ?? null;

  // -- drawing

  function insert(newScene, at) {
    const focused = markOf(document.activeElement)?.dataset.mark;
    const scrolled = stage.scrollLeft;
    scene = newScene;
    stale = false;
    stage.innerHTML = scene.svg;
    root.setAttribute("aria-label", `${scene.title}. Left and right arrow keys step, Shift with an arrow key moves between cells.`);
    marks = {};
    owner = owners(scene.steps);
    const initial = {};
    for (const element of stage.querySelectorAll("[data-mark]")) {
      const name = element.dataset.mark;
      const slot = element.querySelector(".slot");
      const tint = element.querySelector(".tint");
      marks[name] = { element, slot, tint };
      initial[name] = [element.dataset.state ?? "", slot?.textContent ?? "", Number(tint?.getAttribute("fill-opacity") ?? 0)];
      const editable = onEdit !== null && element.dataset.edit !== undefined;
      if (!editable) element.removeAttribute("data-edit");
      if (editable || hintOf(name)) {
        element.setAttribute("tabindex", "-1");
        element.setAttribute("role", editable ? "spinbutton" : "img");
        marks[name].label = element.getAttribute("aria-label") ?? name;
        element.setAttribute("aria-label", marks[name].label);
      }
      if (editable) {
        element.setAttribute("aria-valuemin", scene.edit.low);
        element.setAttribute("aria-valuemax", scene.edit.high);
        element.setAttribute("aria-valuenow", element.dataset.edit);
      }
    }
    stage.querySelector("[tabindex]")?.setAttribute("tabindex", "0");
    undo = undoPatches(initial, scene.steps);
    slider.max = last();
    current = -1;
    go(Math.min(at, last()), false);
    stage.scrollLeft = scrolled;
    if (drag && !marks[drag.name]) drag = null;
    if (focused) (marks[focused]?.element ?? root).focus({ preventScroll: true });
  }

  function apply(patch) {
    for (const [name, [state, text, level]] of Object.entries(patch)) {
      const { element, slot, tint } = marks[name];
      if (state != null) element.dataset.state = state;
      if (text != null && slot) slot.textContent = text;
      if (level != null && tint) tint.setAttribute("fill-opacity", level);
    }
  }

  function go(to, tell = true) {
    if (to === current) return;
    if (!editing()) hideTip();
    const patch = between(scene.steps, undo, current, to);
    apply(patch);
    current = to;
    const { says: sentence, formula: math } = scene.steps[to];
    says.textContent = sentence;
    formula.innerHTML = math;
    slider.value = to;
    slider.setAttribute("aria-valuetext", `step ${to + 1} of ${last() + 1}: ${sentence}`);
    count.textContent = `${to + 1} / ${last() + 1}`;
    // Not `disabled`, which would drop the focus of a button that has just been pressed, and the arrow keys with it.
    for (const name of ["first", "previous"]) buttons[name].setAttribute("aria-disabled", to === 0);
    for (const name of ["next", "last"]) buttons[name].setAttribute("aria-disabled", to === last());
    root.dataset.step = to;
    if (to === last()) pause();
    bringIntoView(patch, scene.steps[to].computes);
    if (tell) onStep(to);
  }

  function bringIntoView(patch, computed) {
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
    stage.scrollLeft += shift;
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
    go(Math.min(Math.max(to, 0), last()));
  }

  // -- how a number came about

  function showTip(element) {
    const name = element.dataset.mark;
    const hint = hintOf(name);
    const editable = element.dataset.edit !== undefined;
    // What a later step computes stays a secret, or there would be nothing to predict.
    const known = !(owner[name] > current);
    hideTip();
    if ((!hint || !known) && !editable) return;
    tip.replaceChildren();
    if (hint && known) {
      tip.append(make("p", "", {}, hint.says));
      const math = make("div", "rc-formula");
      math.innerHTML = hint.formula ?? "";
      tip.append(math);
      element.setAttribute("aria-label", hint.says);
      described = marks[name];
    }
    if (editable) tip.append(make("p", "rc-how", {}, `Drag up or down, or type a ${scene.edit.name}.`));
    place(element);
  }

  function place(element) {
    tip.hidden = false;
    const box = element.getBoundingClientRect();
    const view = frame.getBoundingClientRect();
    const left = Math.min(Math.max(box.left + box.width / 2 - tip.offsetWidth / 2, view.left), view.right - tip.offsetWidth);
    tip.style.left = `${Math.max(left - view.left, 0)}px`;
    const below = box.bottom - view.top + 8;
    const above = box.top - view.top - tip.offsetHeight - 8;
    tip.style.top = `${below + tip.offsetHeight > view.height && above > 0 ? above : below}px`;
  }

  function hideTip() {
    tip.hidden = true;
    if (described) described.element.setAttribute("aria-label", described.label);
    described = null;
  }

  // -- changing a number

  function sendEdit(name, value) {
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
    insert(scene, current); // the drawing shows again what the steps say
    say(
      "The kernel does not answer. Stepping needs no kernel, but changing a number does. " +
        "If it is busy, wait and try again; if it is gone, start it and run this cell again.",
    );
  }

  function answered() {
    clearTimeout(waiting);
    waiting = null;
    if (unsent) {
      const next = unsent;
      unsent = null;
      sendEdit(...next);
    }
  }

  function say(text) {
    note.textContent = text;
    note.hidden = !text;
  }

  function preview(name, value) {
    stale = true; // until the kernel's scene is shown
    const { element, slot, tint } = marks[name];
    element.dataset.edit = value;
    element.setAttribute("aria-valuenow", value);
    if (slot) slot.textContent = String(value);
    if (tint) tint.setAttribute("fill-opacity", value);
  }

  function edit(name, value) {
    if (!marks[name]) return; // the scene has changed since, and has no such number
    say("");
    preview(name, value);
    sendEdit(name, value);
  }

  function openEditor(element, typed = "") {
    const name = element.dataset.mark;
    const { name: what, low, high } = scene.edit;
    const label = `${what[0].toUpperCase()}${what.slice(1)} from ${low} to ${high}`;
    const input = make("input", "rc-editor", { type: "text", inputmode: "decimal" });
    input.value = typed || element.dataset.edit;
    tip.replaceChildren(make("label", "", {}, `${label} `, input));
    place(element);
    let open = true;
    const done = (keep, byKey) => {
      if (!open) return;
      open = false; // taking away what has the focus calls this once more, through blur
      const value = readNumber(input.value, scene.edit);
      hideTip();
      input.remove();
      if (byKey) (marks[name]?.element ?? root).focus({ preventScroll: true }); // else the reader has chosen where to go
      if (!keep) return;
      if (value === null) say(`“${input.value}” is no ${what}: type a number from ${low} to ${high}.`);
      else if (value !== Number(element.dataset.edit)) edit(name, value);
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

  // -- listening

  function onKey(event) {
    if (event.ctrlKey || event.metaKey) return; // Ctrl+S must still save
    // One-letter shortcuts of the notebook would cut, insert or change the cell around this widget.
    event.stopPropagation();
    const { key, target } = event;
    if (event.altKey || key === "Tab" || target === speed) return;
    if (target instanceof HTMLButtonElement && (key === " " || key === "Enter")) return;
    const mark = markOf(target);
    const editable = mark?.dataset.edit !== undefined;
    let handled = true;
    if (event.shiftKey && key.startsWith("Arrow")) moveFocus(key, mark);
    else if (editable && (key === "ArrowUp" || key === "ArrowDown"))
      edit(mark.dataset.mark, dragged(Number(mark.dataset.edit), key === "ArrowUp" ? 10 : -10, scene.edit));
    else if (editable && (key === "Enter" || /^[\d.,]$/.test(key))) openEditor(mark, key === "Enter" ? "" : key);
    else if (mark && key === "Enter" && owner[mark.dataset.mark] !== undefined) toStep(owner[mark.dataset.mark]);
    else if (key === " ") timer ? pause() : play();
    else if (key === "Escape") hideTip();
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
    if (mark?.dataset.edit !== undefined && event.button === 0) {
      drag = { name: mark.dataset.mark, y: event.clientY, from: Number(mark.dataset.edit), value: null };
      stage.setPointerCapture(event.pointerId);
      mark.focus({ preventScroll: true });
      event.preventDefault();
    } else if (!event.target.closest("button, input, select")) {
      root.focus({ preventScroll: true });
      event.preventDefault();
    }
  }

  function onMove(event) {
    if (!drag) return;
    const value = dragged(drag.from, drag.y - event.clientY, scene.edit);
    if (drag.value === null && Math.abs(drag.y - event.clientY) < 3) return;
    if (value === drag.value) return;
    drag.value = value;
    hideTip();
    edit(drag.name, value);
  }

  function onUp() {
    if (!drag) return;
    const { name, value } = drag;
    drag = null;
    if (value === null && marks[name]) openEditor(marks[name].element);
  }

  function onClick(event) {
    const mark = markOf(event.target);
    if (mark && mark.dataset.edit === undefined && owner[mark.dataset.mark] !== undefined) toStep(owner[mark.dataset.mark]);
  }

  root.addEventListener("keydown", onKey);
  frame.addEventListener("pointerdown", onDown);
  // A finger that drags a number must not scroll the page; `touch-action` does not reach inside a drawing.
  stage.addEventListener("touchstart", (event) => event.target.closest("[data-edit]") && event.preventDefault(), { passive: false });
  stage.addEventListener("pointermove", onMove);
  stage.addEventListener("pointerup", onUp);
  stage.addEventListener("pointercancel", () => (drag = null));
  stage.addEventListener("click", onClick);
  stage.addEventListener("pointerover", (event) => {
    const mark = markOf(event.target);
    if (editing() || drag) return;
    if (mark) showTip(mark);
    else hideTip();
  });
  stage.addEventListener("pointerleave", () => editing() || hideTip());
  stage.addEventListener("scroll", () => {
    if (!editing()) hideTip();
    for (const names of stage.querySelectorAll(".pinned")) names.setAttribute("transform", `translate(${stage.scrollLeft})`);
  });
  stage.addEventListener("focusin", (event) => markOf(event.target) && !drag && showTip(markOf(event.target)));
  stage.addEventListener("focusout", () => editing() || hideTip());
  slider.addEventListener("input", () => toStep(Number(slider.value)));
  buttons.first.addEventListener("click", () => toStep(0));
  buttons.previous.addEventListener("click", () => toStep(current - 1));
  buttons.next.addEventListener("click", () => toStep(current + 1));
  buttons.last.addEventListener("click", () => toStep(last()));
  buttons.play.addEventListener("click", () => (timer ? pause() : play()));
  speed.addEventListener("change", () => timer && play());

  insert(scene, step);
  // A stage that becomes narrow, or is laid out at last, shows what its step is about.
  let wide = 0;
  const width = new ResizeObserver(() => {
    if (stage.clientWidth !== wide) bringIntoView(marks, scene.steps[current].computes);
    wide = stage.clientWidth;
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
    answer(text = "") {
      if (text || stale) insert(scene, current);
      say(text);
      answered();
    },
    destroy() {
      clearInterval(timer);
      clearTimeout(waiting);
      width.disconnect();
      root.remove();
    },
  };
}

// ---------------------------------------------------------------------------------------------------------------
// The two places where it plays: a notebook, through anywidget, and a page with no kernel.

function render({ model, el }) {
  const view = Math.random().toString(36).slice(2); // an answer is for the view that asked
  let saving = null;
  // Where the kernel is gone, sending throws. Stepping goes on without.
  const sent = (send) => {
    try {
      send();
      return true;
    } catch {
      return false;
    }
  };
  const save = () => {
    saving = null;
    sent(() => model.save_changes());
  };
  const player = mount(el, model.get("scene"), {
    step: model.get("step"),
    onStep(step) {
      model.set("step", step); // other views of this widget follow at once, Python when the keys rest
      clearTimeout(saving);
      saving = setTimeout(save, 150);
    },
    onEdit: model.get("editable") ? (mark, value) => sent(() => model.send({ mark, value, view })) : null,
  });
  const onStep = () => player.follow(model.get("step"));
  const onScene = () => player.show(model.get("scene"));
  const onMessage = (message) => message.view === view && player.answer(message.refused);
  model.on("change:step", onStep);
  model.on("change:scene", onScene);
  model.on("msg:custom", onMessage);
  return () => {
    model.off("change:step", onStep);
    model.off("change:scene", onScene);
    model.off("msg:custom", onMessage);
    if (saving !== null) {
      clearTimeout(saving);
      save();
    }
    player.destroy();
  };
}

export function playPage(page) {
  for (const data of page.querySelectorAll("script[data-rc-scene]")) {
    const el = make("div", "rc-page");
    data.replaceWith(el);
    mount(el, JSON.parse(data.textContent));
  }
}

export default { render };
