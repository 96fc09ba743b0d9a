// What a reader may change, by kind: numbers, points and choices, without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";

import { KINDS, readNumber, withArticle } from "../../course_utils/stepper/edits.js";
import { generator } from "./random.mjs";

const dragged = (value, pixels, edit) => KINDS.number.dragged(value, { right: 0, up: pixels }, edit);
const PROBABILITY = { low: 0, high: 1, grain: 0.01 };

test("a number of another range is read and dragged within it", () => {
  const weight = { low: -2, high: 2, grain: 0.1 };
  assert.equal(readNumber("-1,5", weight), -1.5);
  assert.equal(readNumber("−1.5", weight), -1.5);
  assert.equal(readNumber("-2.5", weight), null);
  assert.equal(dragged(0, 100, weight), 2);
  assert.equal(dragged(-1, 7, weight), -0.9);
  assert.equal(dragged(-1, -500, weight), -2);
});

test("a probability is read with a point or a comma", () => {
  const read = { "0.35": 0.35, "0,35": 0.35, ".5": 0.5, ",5": 0.5, " 1 ": 1, "0": 0, "1": 1, "1e-3": 0.001, "0.0": 0 };
  for (const [typed, value] of Object.entries(read)) assert.equal(readNumber(typed, PROBABILITY), value, typed);
  assert.equal(readNumber(0.25, PROBABILITY), 0.25);
});

test("what is no probability is null", () => {
  const none = ["", "  ", "a", "-0.1", "1.01", "35%", "1/2", "0.3.5", "NaN", "Infinity", "-Infinity", "0,3,5", null, undefined];
  for (const typed of none) assert.equal(readNumber(typed, PROBABILITY), null, String(typed));
});

test("two hundred pixels upwards are the whole range", () => {
  assert.equal(dragged(0, 200, PROBABILITY), 1);
  assert.equal(dragged(1, -200, PROBABILITY), 0);
  assert.equal(dragged(0.5, 20, PROBABILITY), 0.6);
  assert.equal(dragged(0.5, -20, PROBABILITY), 0.4);
  assert.equal(dragged(0.5, 0, PROBABILITY), 0.5);
});

test("a drag stays a probability, lands on hundredths and never goes the other way", () => {
  const random = generator(5);
  for (let n = 0; n < 2000; n++) {
    const [value, pixels] = [random(), 800 * random() - 400];
    const to = dragged(value, pixels, PROBABILITY);
    assert.ok(to >= 0 && to <= 1, `${value} by ${pixels} is ${to}`);
    assert.ok(Math.abs(100 * to - Math.round(100 * to)) < 1e-9, `${to}`);
    assert.ok(dragged(value, pixels + 1, PROBABILITY) >= to);
    assert.ok(Math.abs(to - Math.min(Math.max(value + pixels / 200, 0), 1)) <= 0.005 + 1e-12);
  }
});

test("an arrow key is worth ten pixels", () => {
  assert.equal(KINDS.number.nudged(0.5, "ArrowUp", PROBABILITY), dragged(0.5, 10, PROBABILITY));
  assert.equal(KINDS.number.nudged(0.5, "ArrowDown", PROBABILITY), dragged(0.5, -10, PROBABILITY));
});

test("a page key is worth fifty, and with Alt a key is worth the smallest step there is", () => {
  assert.equal(KINDS.number.nudged(0.5, "PageUp", PROBABILITY), 0.75);
  assert.equal(KINDS.number.nudged(0.5, "PageDown", PROBABILITY), 0.25);
  assert.equal(KINDS.number.nudged(0.5, "ArrowUp", PROBABILITY, true), 0.51);
  assert.equal(KINDS.number.nudged(0, "ArrowDown", PROBABILITY, true), 0);
  assert.deepEqual(KINDS.point.nudged([0, 0], "ArrowUp", { ...STATE, grain: 0.01 }, true), [0, 0.01]);
});

test("what may be changed is named with its article", () => {
  assert.equal(withArticle("probability"), "a probability");
  assert.equal(withArticle("input"), "an input");
  assert.match(KINDS.number.how({ name: "input" }), /type an input\./);
});

test("a tint goes with the size of a number, whatever its sign, and not every number has one", () => {
  const { level } = KINDS.number;
  assert.equal(level(0.5, { tint: 0.45 }), 0.225);
  assert.equal(level(-0.5, { tint: 0.45 }), 0.225);
  assert.equal(level(-5, { tint: 0.45 }), 0.45);
  assert.equal(level(0.5, { tint: 0 }), null);
});

// -- a point of a plane

const STATE = { name: "state", value: [0, 0], low: [-1, -2], high: [1, 2], grain: 0.1, size: [200, 100] };

test("a point is typed as two numbers, with a space, a semicolon or a comma and a space between", () => {
  for (const typed of ["0.5 -1.5", "0.5; -1.5", "0.5;−1.5", "0,5 -1,5", "0,5; -1,5", "0.5, -1.5", " (0.5, -1.5) "])
    assert.deepEqual(KINDS.point.read(typed, STATE), [0.5, -1.5], typed);
});

test("what is no point of the plane is null", () => {
  for (const typed of ["", "0.5", "0.5,-1.5", "1 2 3", "2 0", "0 -2.1", "a b", ";", "0.5;"])
    assert.equal(KINDS.point.read(typed, STATE), null, typed);
});

test("a point follows the pointer, as far as its plane goes, and lands on the grid", () => {
  assert.deepEqual(KINDS.point.dragged([0, 0], { right: 50, up: 25 }, STATE), [0.5, 1]);
  assert.deepEqual(KINDS.point.dragged([0, 0], { right: -50, up: -25 }, STATE), [-0.5, -1]);
  assert.deepEqual(KINDS.point.dragged([0.9, 1.9], { right: 500, up: -500 }, STATE), [1, -2]);
  assert.deepEqual(KINDS.point.dragged([0, 0], { right: 4, up: 1 }, STATE), [0, 0]);
});

test("an arrow key moves a point along one axis, and every key that it takes comes back by its opposite", () => {
  const opposite = { ArrowUp: "ArrowDown", ArrowDown: "ArrowUp", ArrowLeft: "ArrowRight", ArrowRight: "ArrowLeft" };
  assert.deepEqual(Object.keys(opposite).sort(), [...KINDS.point.keys].sort());
  assert.deepEqual(KINDS.point.nudged([0, 0], "ArrowRight", STATE), [0.1, 0]);
  assert.deepEqual(KINDS.point.nudged([0, 0], "ArrowUp", STATE), [0, 0.1]);
  for (const key of KINDS.point.keys) {
    const there = KINDS.point.nudged([0.5, 0.5], key, STATE);
    assert.notDeepEqual(there, [0.5, 0.5]);
    assert.deepEqual(KINDS.point.nudged(there, opposite[key], STATE), [0.5, 0.5], key);
  }
});

test("while it is dragged, a point lies where its numbers say", () => {
  assert.deepEqual(KINDS.point.shift([0.5, 1], STATE), [50, -25]);
  assert.deepEqual(KINDS.point.shift([0.5, 1], { ...STATE, value: [0.5, 1] }), [0, -0]);
});

test("what is written of a point can be typed again", () => {
  assert.deepEqual(KINDS.point.read(KINDS.point.written([0.5, -1.5]), STATE), [0.5, -1.5]);
});

// -- all kinds

test("every kind has what the player asks of it", () => {
  for (const [kind, has] of Object.entries(KINDS)) {
    for (const name of ["aria", "how", "level", "shift"]) assert.equal(typeof has[name], "function", `${kind}.${name}`);
    assert.ok(Array.isArray(has.keys) && has.role, kind);
    if (kind === "choice") continue; // has neither an editor nor a way to be dragged
    for (const name of ["read", "written", "dragged", "nudged", "range"]) assert.equal(typeof has[name], "function", `${kind}.${name}`);
    assert.ok(has.asks, kind);
  }
});

test("assistive technology hears of the value", () => {
  assert.deepEqual(KINDS.number.aria(0.5, PROBABILITY), { "aria-valuemin": 0, "aria-valuemax": 1, "aria-valuenow": 0.5 });
  assert.equal(KINDS.point.aria([0.5, 1], STATE)["aria-valuetext"], "state (0.5, 1)");
  assert.deepEqual(KINDS.choice.aria(true), { "aria-checked": true });
});
