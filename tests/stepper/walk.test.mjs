// A walk that the reader draws, without a browser: what is chosen, what is refused, and what stays when the picture changes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { again, chosen, chosenByKey, walkable } from "../../course_utils/stepper/walk.js";

// From the beginning to a, from a to b or c; back to a is refused.
const WALK = {
  at: ["", "a", "b", "c"],
  next: [{ a: 1 }, { b: 2, c: 3 }, {}, {}],
  moves: { "": { ArrowRight: "a", ArrowDown: "b" }, a: { ArrowRight: "b", ArrowDown: "c" } },
  refused: { "": { b: 0, c: 0 }, a: { ArrowUp: 1 }, b: { a: 2, c: 2, ArrowRight: 3 }, c: {} },
  sentences: ["First a.", "Nothing is above.", "No way back.", "This is the end."],
};

test("what may be chosen makes the track longer", () => {
  assert.deepEqual(chosen(WALK, [0], "a"), { track: [0, 1] });
  assert.deepEqual(chosen(WALK, [0, 1], "c"), { track: [0, 1, 3] });
});

test("what may not be chosen is answered by the sentence of the place", () => {
  assert.deepEqual(chosen(WALK, [0], "c"), { says: "First a." });
  assert.deepEqual(chosen(WALK, [0, 1, 2], "a"), { says: "No way back." });
  assert.deepEqual(chosen(WALK, [0, 1, 3], "nothing"), { says: "" });
});

test("a key chooses, is refused by where it leads or by itself, or means nothing", () => {
  assert.deepEqual(chosenByKey(WALK, [0], "ArrowRight"), { track: [0, 1] });
  assert.deepEqual(chosenByKey(WALK, [0], "ArrowDown"), { says: "First a." });
  assert.deepEqual(chosenByKey(WALK, [0, 1], "ArrowUp"), { says: "Nothing is above." });
  assert.deepEqual(chosenByKey(WALK, [0, 1, 2], "ArrowRight"), { says: "This is the end." });
  assert.equal(chosenByKey(WALK, [0, 1, 2], "ArrowLeft"), null);
  assert.equal(chosenByKey(WALK, [0, 1, 3], "ArrowRight"), null);
});

test("in another picture the same choices are made again, as far as it allows them", () => {
  assert.deepEqual(again(WALK, ["a", "b"]), [0, 1, 2]);
  assert.deepEqual(again(WALK, ["a", "d", "b"]), [0, 1]);
  assert.deepEqual(again(WALK, ["b"]), [0]);
});

test("whatever can be chosen or is refused somewhere can be walked over", () => {
  assert.deepEqual([...walkable(WALK)].sort(), ["ArrowRight", "ArrowUp", "a", "b", "c"]);
});
