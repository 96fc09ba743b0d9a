// The tip at a mark: how its number came about, and how it may be changed.

import { make } from "./elements.js";
import { lingering, placeTip } from "./tip.js";
import { writeFormula, writeSentence } from "./words.js";

const TALKED_ABOUT = ["now", "won", "lost"]; // the states of what the sentence of a step talks about

/**
 * Explain the marks on the `stage` that the pointer or the focus comes to, in the `tip`. What is drawn and how far the
 * reader has stepped, the player is asked for.
 */
export function explaining({ root, stage, tip }, player) {
  let described = null; // the mark whose accessible name is its derivation for now
  let dismissed = null; // a mark whose tip the reader does not want, as long as the pointer stays there
  const pointer = lingering(tip, () => player.editing() || hide());
  const hintOf = (name) => player.scene().hints[name] ?? player.scene().steps[player.stepOf(name)] ?? null;

  function show(element) {
    const name = element.dataset.mark;
    const { legend } = player.scene();
    const hint = hintOf(name);
    const { edit } = player.markOf(name);
    // What a later step computes stays a secret, or there would be nothing to predict.
    const known = !(player.stepOf(name) > player.current());
    hide();
    if ((!hint || !known) && !edit) return;
    tip.replaceChildren();
    if (hint && known) {
      const [sentence, math] = [make("p"), make("div", "rc-formula")];
      writeSentence(sentence, hint.says, legend);
      writeFormula(math, hint.formula ?? "", legend);
      tip.append(sentence, math);
      element.setAttribute("aria-label", hint.says);
      described = player.markOf(name);
    }
    if (edit) tip.append(make("p", "rc-how", {}, player.how(edit)));
    place(element);
  }

  function place(element) {
    const name = element.dataset.mark;
    const patch = Object.entries(player.scene().steps[player.stepOf(name)]?.patch ?? {});
    const lit = patch.filter(([, [state]]) => TALKED_ABOUT.includes(state)).map(([other]) => other);
    const explained = [name, ...lit].map((other) => player.markOf(other).element.getBoundingClientRect());
    placeTip(tip, element.getBoundingClientRect(), explained, root.getBoundingClientRect());
  }

  function hide() {
    pointer.stay();
    tip.hidden = true;
    const before = described?.element.dataset.mark;
    described = null;
    if (before && player.markOf(before)) player.tellName(before);
  }

  /** Take the tip away and leave it away, as long as the pointer does not go to another mark. */
  function dismiss() {
    dismissed = tip.hidden ? null : (stage.querySelector("[data-mark]:hover")?.dataset.mark ?? null);
    hide();
  }

  function onEscapeAnywhere(event) {
    if (event.key === "Escape" && !tip.hidden && !player.editing() && !root.contains(event.target)) dismiss();
  }

  document.addEventListener("keydown", onEscapeAnywhere, true);
  stage.addEventListener("pointerover", (event) => {
    const mark = player.elementAt(event.target);
    if (player.busy()) return;
    if (mark?.dataset.mark === dismissed && mark) return;
    if (player.silent(mark)) return;
    dismissed = null;
    if (mark) show(mark);
    else pointer.leave();
  });
  stage.addEventListener("pointerleave", () => {
    dismissed = null;
    pointer.leave();
  });
  stage.addEventListener("focusout", () => player.editing() || hide());

  return {
    hintOf,
    show,
    place,
    hide,
    dismiss,
    describes: (name) => described !== null && described === player.markOf(name),
    destroy: () => document.removeEventListener("keydown", onEscapeAnywhere, true),
  };
}
