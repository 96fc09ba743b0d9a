// Asking the reader what comes before a step shows it. Nothing that is answered is kept.

import { make } from "./elements.js";
import { questionBefore, verdictOn } from "./prediction.js";

/**
 * `player` lends `stepAt(n)`, `nameOf(mark)`, `reveal(n)`, which goes to a step, `focus()`, which goes back to the
 * picture, and `forget()`, after which all that comes is news again. `button` turns the questions on and off.
 */
export function asking(player, button) {
  const place = make("div", "rc-asked", { role: "status", hidden: "" });
  let open = null; // the step that is asked for
  let answered = null; // the step whose verdict stands there

  const on = () => button.getAttribute("aria-pressed") === "true";

  function clear() {
    open = null;
    answered = null;
    place.replaceChildren();
  }

  function ask(step, { mark, truth }) {
    open = step;
    answered = null;
    const input = make("input", "rc-guess", { type: "text", size: "9", autocomplete: "off" });
    const show = make("button", "rc-button rc-show", { type: "button" }, "Show");
    const answer = () => {
      const said = input.value.trim();
      const verdict = said ? verdictOn(said, truth) : "";
      if (verdict === null) {
        input.setAttribute("aria-invalid", "true");
        place.lastElementChild.textContent = "Type a number, or nothing.";
        return;
      }
      clear();
      answered = verdict ? step : null;
      player.reveal(step);
      place.replaceChildren(verdict);
      player.focus();
    };
    input.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey) return;
      event.stopPropagation();
      const skips = event.key === "ArrowRight" && input.value === "";
      const back = event.key === "Escape" || (event.key === "ArrowLeft" && input.value === "");
      if (event.key === "Enter" || skips) answer();
      else if (back) {
        clear();
        player.focus();
      } else return;
      event.preventDefault();
    });
    show.addEventListener("click", answer);
    place.replaceChildren(make("label", "", {}, `Predict: ${player.nameOf(mark)} `, input), show, make("span", "", {}, ""));
    input.focus({ preventScroll: true });
  }

  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", !on());
    place.hidden = !on();
    clear();
    if (on()) player.forget();
    player.focus();
  });

  return {
    place,

    /** Ask for a step, where there is something to ask; returns whether the reader is asked now. */
    before(step) {
      const question = on() && open !== step ? questionBefore(player.stepAt(step)) : null;
      if (question) ask(step, question);
      return question !== null;
    },

    /** Another step is shown: what was asked or said about one before is over. */
    stepped(step) {
      if (open !== null || answered !== step) clear();
    },
  };
}
