// The two places where scenes are played: a notebook, through anywidget, and a page with no kernel.

import { make } from "./elements.js";
import { mount } from "./player.js";

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
    resettable: model.get("resettable"),
  });
  const attached = new ResizeObserver(() => takeCareOf(el.closest(".rc-workbench")));
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
function takeCareOf(bench) {
  if (!bench) return;
  nameSliders(bench);
  if (guarded.has(bench)) return;
  guarded.add(bench);
  // Their keys are theirs, as the stepper's are: the notebook would cut, insert or change the cell.
  bench.addEventListener("keydown", (event) => event.ctrlKey || event.metaKey || event.stopPropagation());
  bench.addEventListener("focusin", () => nameSliders(bench)); // what was not drawn yet
}

function nameSliders(bench) {
  for (const slider of bench.querySelectorAll(".widget-slider"))
    slider.querySelector("[role=slider]")?.setAttribute("aria-label", slider.querySelector("label, .widget-label")?.textContent ?? "");
}

export function playPage(page) {
  for (const data of page.querySelectorAll("script[data-rc-scene]")) {
    const el = make("div", "rc-page");
    data.replaceWith(el);
    mount(el, JSON.parse(data.textContent));
  }
}

export default { render };
