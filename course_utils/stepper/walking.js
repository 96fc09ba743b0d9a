// How a reader draws a walk through a picture: mark by mark, with keys, a pointer or a finger. What may be chosen, and why not, the
// scene says (walk.js).

import { again, chosen, chosenByKey } from "./walk.js";

/**
 * Let the reader draw. `player` lends its hands: `walk()` is what the scene allows, `current()` the step that is shown,
 * `stepOf(name)` the step along the walk that a mark belongs to, `lay()` makes the walk the steps of the scene, `toStep(n)`
 * goes to one, `say(text)` tells the reader something, and `walkableAt(x, y)` names the mark there that may be chosen or refused.
 */
export function walking(player) {
  let track = [0]; // the numbers of the nodes that were chosen
  let below = null; // the mark below a pointer that draws

  const sofar = () => track.slice(0, player.current() + 1);

  /** Go where a choice leads, or say why it leads nowhere. */
  function follow({ track: longer, says: why }) {
    player.say(why ?? "");
    if (!longer) return;
    if (longer.at(-1) !== track[player.current() + 1]) {
      track = longer;
      player.lay();
    }
    player.toStep(player.current() + 1);
  }

  /** Choose a mark, or, where it lies on the way already, go back to it. */
  function to(name) {
    const step = player.stepOf(name);
    if (step === undefined) return follow(chosen(player.walk(), sofar(), name));
    player.say("");
    player.toStep(step);
  }

  return {
    to,
    /** Walk through another scene as in this one, as far as it allows that. */
    takeAlong(walk, next) {
      track = walk && next ? again(next, track.slice(1).map((node) => walk.at[node])) : [0];
    },
    steps: (walk) => track.map((node) => walk.nodes[node]),
    /** Take a key for a choice; false where it is none. */
    key(key) {
      const choice = player.walk() && chosenByKey(player.walk(), sofar(), key);
      if (choice) follow(choice);
      return Boolean(choice);
    },
    down(name) {
      below = name;
      to(name);
    },
    /** Walk on to the mark below a pointer that is held down. */
    move(event) {
      const name = player.walkableAt(event.clientX, event.clientY);
      if (name === null || name === below) return;
      below = name;
      to(name);
    },
    up() {
      below = null;
    },
    drawing: () => below !== null,
  };
}
