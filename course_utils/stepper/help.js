// What the keys do, as a list to be shown.

import { make } from "./elements.js";

const STEPPING = [
  ["← →", "one step back, one step on"],
  ["Home, End", "the first step, the last one"],
  ["Page Up, Page Down", "five steps"],
  ["Space", "play, pause"],
  ["Shift + arrow", "from cell to cell"],
  ["Enter on a cell", "the step that computed it"],
  ["Escape", "take away what is shown over the picture"],
];
const WALKING = [
  ["→ ↓ ↑", "draw on, where the picture allows it"],
  ["←", "take the last choice back"],
  ["press a cell, drag over cells", "draw with a pointer or a finger"],
];
const CHANGING = [
  ["↑ ↓ on a number", "change it; with Alt as little as can be"],
  ["Page Up, Page Down on a number", "change it much"],
  ["a digit, or −", "type another one: Enter takes it, Escape does not"],
  ["drag up or down", "change it; with Shift ten times as finely; Escape takes it back"],
];

/** The keys of a stepper, of its numbers where these can be changed, and of a walk where one is drawn. */
export function listOfKeys(changing, walking = false) {
  const rows = [...(walking ? WALKING : []), ...STEPPING, ...(changing ? CHANGING : []), ["?", "this list"]];
  return make("dl", "", {}, ...rows.flatMap(([key, does]) => [make("dt", "", {}, key), make("dd", "", {}, does)]));
}
