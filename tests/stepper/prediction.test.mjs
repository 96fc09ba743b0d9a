import assert from "node:assert/strict";
import { test } from "node:test";

import { questionBefore, readPrediction, verdictOn } from "../../course_utils/stepper/prediction.js";

test("numbers are read as people write them", () => {
  const read = { "0.5": 0.5, " 0,5 ": 0.5, "−3": -3, "-.25": -0.25, "+2": 2, "1e-5": 1e-5, "2.1e−5": 2.1e-5, "1/3": 1 / 3, "-1 / 4": -0.25, "−∞": -Infinity, inf: Infinity };
  for (const [text, value] of Object.entries(read)) assert.equal(readPrediction(text), value, text);
  for (const text of ["", "A", "1/2/3", "0.5.1", "0/0", "1 2", "--1"]) assert.equal(readPrediction(text), null, text);
});

test("a step asks for the first mark in which it writes something", () => {
  const patch = { a: ["now", null], b: ["now", "0.5"], c: ["now", "0.7"] };
  assert.deepEqual(questionBefore({ computes: ["a", "c", "b"], patch }), { mark: "c", truth: "0.7" });
  assert.equal(questionBefore({ computes: ["a"], patch }), null);
  assert.equal(questionBefore({ computes: ["absent"], patch }), null);
  assert.equal(questionBefore({ computes: [], patch }), null);
  assert.equal(questionBefore({ computes: ["a"], patch: { a: ["now", " "] } }), null);
});

test("a prediction is right where the digits that are shown cannot tell it from the truth", () => {
  for (const said of ["0.378", "0.3784", "0,3776", "0.3785"]) assert.equal(verdictOn(said, "0.378"), "Right: 0.378.", said);
  assert.equal(verdictOn("1/3", "0.333"), "Right: 0.333.");
  assert.equal(verdictOn("-inf", "−∞"), "Right: −∞.");
  assert.equal(verdictOn("2.14e-5", "2.1e−5"), "Right: 2.1e−5.");
});

test("a wrong one hears by how much and in which direction", () => {
  assert.equal(verdictOn("0.4", "0.378"), "You said 0.4; it is 0.378, 0.022 less.");
  assert.equal(verdictOn("0.25", "0.378"), "You said 0.25; it is 0.378, 0.13 more.");
  assert.equal(verdictOn("3", "−2"), "You said 3; it is −2, 5 less.");
  assert.equal(verdictOn("2.2e-5", "2.1e−5"), "You said 2.2e-5; it is 2.1e−5, 0.000001 less.");
  assert.equal(verdictOn("0", "−∞"), "You said 0; it is −∞.");
});

test("names are compared without regard to case and room", () => {
  assert.equal(verdictOn("ab", "AB"), "Right: AB.");
  assert.equal(verdictOn(" A  B ", "a b"), "Right: a b.");
  assert.equal(verdictOn("A", "B"), "You said A; it is B.");
});

test("where a number is asked for, a word is no answer", () => {
  assert.equal(verdictOn("half", "0.5"), null);
});
