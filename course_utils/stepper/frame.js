// What a player is made of: the drawing, the sentence, the controls.

import { icon, make } from "./elements.js";

const SPEEDS = [0.5, 1, 2, 4];
const LABELS = {
  ...{ first: "First step", previous: "Previous step", play: "Play", next: "Next step", last: "Last step" },
  ...{ ask: "Ask me before each step", reset: "The numbers of the beginning", help: "Keys" },
};
const WORDS = { ask: "Predict", help: "?" }; // the buttons that have no icon

/** Make an empty player; returns its `root` and everything in it that is written to or listened to. */
export function frame() {
  const stage = make("div", "rc-stage");
  const tip = make("div", "rc-tip", { hidden: "" });
  const drawing = make("div", "rc-frame", {}, stage, tip);
  const says = make("p", "rc-says", { "aria-live": "polite" });
  const formula = make("div", "rc-formula");
  const note = make("p", "rc-note", { role: "alert", hidden: "" });
  const count = make("span", "rc-count");
  const slider = make("input", "rc-slider", { type: "range", min: "0", step: "1", "aria-label": "Step" });
  const speed = make("select", "rc-speed", { "aria-label": "Speed", title: "Speed of playing" });
  for (const s of SPEEDS) speed.append(new Option(`${s}×`, s, s === 1, s === 1));
  const buttons = {};
  for (const [name, label] of Object.entries(LABELS)) {
    buttons[name] = make("button", "rc-button", { type: "button", "aria-label": label, title: label });
    buttons[name].innerHTML = WORDS[name] ?? icon(name);
  }
  const { ask, reset, help, ...moves } = buttons;
  ask.setAttribute("aria-pressed", "false");
  help.setAttribute("aria-expanded", "false");
  const controls = make("div", "rc-controls", {}, ...Object.values(moves), slider, count, speed, ask, reset, help);
  const keys = make("div", "rc-help", { role: "group", "aria-label": "Keys", hidden: "" });
  const legend = make("ul", "rc-legend", { "aria-label": "Legend" });
  const numbers = make("div");
  const table = make("details", "rc-table", {}, make("summary", "", {}, "Show as table"), numbers);
  const root = make("div", "rc-stepper", { tabindex: "0", role: "group", "aria-roledescription": "stepper" });
  root.append(drawing, says, formula, note, controls, keys, legend, table);
  return { root, drawing, stage, tip, says, formula, note, buttons, slider, count, speed, keys, legend, numbers };
}
