// The two places where scenes are played: a notebook, through anywidget, and a page with no kernel.

import { make } from "./elements.js";
import { mount } from "./player.js";

const GONE = "This explorer's kernel is gone: run its cell again, and the cells above that it needs. Stepping goes on without.";

/** The player is a widget that nobody sees, and lends its hands to all steppers of its kernel. */
function initialize({ model }) {
  const manager = model.widget_manager;
  const kernel = manager.kernel?.id;
  // Widgets know of a restart, and whether they come out of the file. Of a kernel that was shut down they hear nothing,
  // but then there is none, or by now another one.
  const isGone = (player) =>
    player.comm_live === false ||
    manager.kernel === null ||
    manager.kernel?.status === "dead" ||
    (kernel !== undefined && manager.kernel?.id !== kernel);
  return {
    async play({ model, el }) {
      const player = await manager.get_model(model.get("player").split(":")[1]);
      return play(model, el, () => isGone(player));
    },
  };
}

function play(model, el, isGone) {
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
    onEdit: model.get("editable") ? (mark, value) => !isGone() && sent(() => model.send({ mark, value, view })) : null,
    resettable: model.get("resettable"),
  });
  const attached = new ResizeObserver(() => takeCareOf(el.closest(".rc-workbench"), isGone));
  attached.observe(el); // hears of it when the view is laid out, in whatever it is part of
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
    attached.disconnect();
    player.destroy();
  };
}

const guarded = new WeakSet();

/** Do for the controls above a stepper what they do not do by themselves. */
function takeCareOf(bench, isGone) {
  if (!bench) return;
  nameSliders(bench);
  if (guarded.has(bench)) return;
  guarded.add(bench);
  // Their keys are theirs, as the stepper's are: the notebook would cut, insert or change the cell.
  bench.addEventListener("keydown", (event) => event.ctrlKey || event.metaKey || event.stopPropagation());
  bench.addEventListener("focusin", () => nameSliders(bench)); // what was not drawn yet
  sayUnderControls(bench, isGone);
}

/** Say under the controls, as soon as one is used, what they do not say themselves. */
function sayUnderControls(bench, isGone) {
  const note = make("p", "rc-aside", { role: "alert" });
  note.style.margin = "4px";
  let taken = ""; // what stood beside a slider when the reader came, or last pressed Enter
  const say = (text) => {
    note.remove();
    if (!text) return;
    note.textContent = text;
    bench.querySelector(":scope > :last-child").before(note);
  };
  const onUse = ({ target, type, key }) => {
    const slider = target.closest(".widget-slider");
    if (target.closest(".rc-stepper") || (!slider && type !== "input" && type !== "change") || key === "Tab") return;
    const readout = key === "Enter" && target.closest(".widget-readout");
    say(isGone() ? GONE : readout ? outOfRange(slider, readout) : "");
    if (readout) setTimeout(() => (taken = readout.textContent));
  };
  // JupyterLab's sliders take what was typed when Enter is pressed, and not when the reader goes elsewhere.
  const onCome = ({ target }) => target.matches(".widget-readout") && (taken = target.textContent);
  const onLeave = ({ target }) => {
    if (!target.matches(".widget-readout") || target.textContent === taken) return;
    const name = nameOf(target.closest(".widget-slider"));
    say(isGone() ? GONE : `${name}: “${inShort(target)}” is not taken before you press Enter.`);
  };
  bench.addEventListener("focusin", onCome, true);
  bench.addEventListener("focusout", onLeave, true);
  for (const use of ["input", "change", "pointerdown", "keydown"]) bench.addEventListener(use, onUse, true);
}

/** Say that a number typed beside a slider is none that it has: it will take the nearest one without a word. */
function outOfRange(slider, readout) {
  const handle = slider.querySelector("[role=slider]");
  const [least, most, now] = ["aria-valuemin", "aria-valuemax", "aria-valuenow"].map((name) => Number(handle.getAttribute(name)));
  const number = parseFloat(readout.textContent);
  if (number >= least && number <= most) return "";
  const becomes = Number.isNaN(number) ? now : number < least ? least : most;
  return `${nameOf(slider)} goes from ${least} to ${most}: “${inShort(readout)}” is not among them, so it is ${becomes}.`;
}

const inShort = (readout) => readout.textContent.trim().slice(0, 20);

const nameOf = (slider) => slider.querySelector("label, .widget-label")?.textContent ?? "";

function nameSliders(bench) {
  for (const slider of bench.querySelectorAll(".widget-slider"))
    slider.querySelector("[role=slider]")?.setAttribute("aria-label", nameOf(slider));
}

export function playPage(page) {
  for (const data of page.querySelectorAll("script[data-rc-scene]")) {
    const el = make("div", "rc-page");
    data.replaceWith(el);
    mount(el, JSON.parse(data.textContent));
  }
}

export default { initialize };
