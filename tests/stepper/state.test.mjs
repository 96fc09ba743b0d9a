// The state of the stepper, without a browser: stepping back undoes what stepping forward did, whatever the steps.

import assert from "node:assert/strict";
import { test } from "node:test";

import { between, merge, neighbour, owners, stepAfterKey, undoPatches } from "../../course_utils/stepper/state.js";
import loader from "../../course_utils/stepper/loader.js";
import widget from "../../course_utils/stepper/widget.js";
import { generator } from "./random.mjs";

/** Some marks as drawn, and steps whose patches leave values out, null, empty or zero. */
function randomScene(random) {
  const whole = (n) => Math.floor(random() * n);
  const names = Array.from({ length: 1 + whole(5) }, (_, k) => `m-${k}`);
  const states = ["idle", "now", "done", "path"];
  const initial = Object.fromEntries(names.map((name) => [name, [states[whole(4)], "", 0]]));
  const steps = Array.from({ length: 1 + whole(9) }, () => {
    const patch = {};
    for (const name of names) {
      if (random() < 0.5) continue;
      const values = [
        random() < 0.5 ? states[whole(4)] : null,
        random() < 0.5 ? ["", "0", "0.36", "−∞"][whole(4)] : null,
        random() < 0.5 ? [0, 0.25, 1][whole(3)] : null,
      ];
      while (values.length && values.at(-1) === null) values.pop(); // as scenes are sent
      patch[name] = values;
    }
    return { patch, computes: [] };
  });
  return { initial, steps };
}

/** What is on the screen: written here once more, as the player writes it into the drawing. */
function drawn(before, patch) {
  const after = structuredClone(before);
  for (const [name, values] of Object.entries(patch)) {
    values.forEach((value, k) => {
      if (value !== null && value !== undefined) after[name][k] = value;
    });
  }
  return after;
}

/** What must be on the screen after each step; entry 0 is the bare drawing. */
function film({ initial, steps }) {
  const frames = [initial];
  for (const { patch } of steps) frames.push(drawn(frames.at(-1), patch));
  return frames;
}

function assertEveryJumpArrives(scene) {
  const frames = film(scene);
  const undo = undoPatches(scene.initial, scene.steps);
  for (let from = -1; from < scene.steps.length; from++) {
    for (let to = -1; to < scene.steps.length; to++) {
      const arrived = drawn(frames[from + 1], between(scene.steps, undo, from, to));
      assert.deepEqual(arrived, frames[to + 1], `from step ${from} to step ${to} of ${JSON.stringify(scene)}`);
    }
  }
}

test("a later patch wins where it speaks, and is silent where it does not", () => {
  assert.deepEqual(merge({ a: ["now", "1", 0.5] }, { a: ["done"] }), { a: ["done", "1", 0.5] });
  assert.deepEqual(merge({ a: ["now"] }, { a: [null, "1"] }), { a: ["now", "1", null] });
  assert.deepEqual(merge({ a: ["now"] }, { b: ["done"] }), { a: ["now"], b: ["done", null, null] });
});

test("an empty text and a level of zero are values too", () => {
  assert.deepEqual(merge({ a: ["now", "1", 0.5] }, { a: [null, "", 0] }), { a: ["now", "", 0] });
});

test("merging changes neither of the two", () => {
  const earlier = Object.freeze({ a: Object.freeze(["now", "1", 0.5]) });
  const later = Object.freeze({ a: Object.freeze(["done"]) });
  merge(earlier, later);
  assert.deepEqual([earlier, later], [{ a: ["now", "1", 0.5] }, { a: ["done"] }]);
});

test("merging is associative: three patches can be laid down in either grouping", () => {
  const random = generator(1);
  for (let n = 0; n < 500; n++) {
    const { initial, steps } = randomScene(random);
    const [p, q] = [steps[0].patch, steps.at(-1).patch];
    assert.deepEqual(merge(merge(initial, p), q), merge(initial, merge(p, q)));
  }
});

test("an undo patch holds what was there, for exactly what its step changes", () => {
  const undo = undoPatches({ a: ["idle", "", 0], b: ["idle", "", 0] }, [
    { patch: { a: ["now", "1"] } },
    { patch: { a: ["done", null, 0.5], b: [null, "2"] } },
  ]);
  assert.deepEqual(undo, [{ a: ["idle", "", null] }, { a: ["now", null, 0], b: [null, "", null] }]);
});

test("from any step to any other, forward and back, the drawing is as if played from the start", () => {
  const random = generator(2);
  for (let n = 0; n < 300; n++) assertEveryJumpArrives(randomScene(random));
});

test("a walk of random jumps that ends before the first step restores the bare drawing", () => {
  const random = generator(3);
  for (let n = 0; n < 300; n++) {
    const scene = randomScene(random);
    const undo = undoPatches(scene.initial, scene.steps);
    let [at, marks] = [-1, scene.initial];
    for (let jump = 0; jump < 20; jump++) {
      const to = jump === 19 ? -1 : Math.floor(random() * (scene.steps.length + 1)) - 1;
      marks = drawn(marks, between(scene.steps, undo, at, to));
      at = to;
    }
    assert.deepEqual(marks, scene.initial);
  }
});

test("staying where one is changes nothing", () => {
  const scene = randomScene(generator(4));
  const undo = undoPatches(scene.initial, scene.steps);
  assert.deepEqual(between(scene.steps, undo, 0, 0), {});
});

test("the checks above see an undo that restores the drawing instead of the step before", () => {
  const scene = { initial: { a: ["idle", "", 0] }, steps: [{ patch: { a: ["now"] } }, { patch: { a: ["done"] } }] };
  const wrong = scene.steps.map(() => ({ a: ["idle", null, null] }));
  const right = undoPatches(scene.initial, scene.steps);
  assert.deepEqual(drawn({ a: ["done", "", 0] }, between(scene.steps, right, 1, 0)), { a: ["now", "", 0] });
  assert.notDeepEqual(drawn({ a: ["done", "", 0] }, between(scene.steps, wrong, 1, 0)), { a: ["now", "", 0] });
});

test("the first step that computes a mark owns it", () => {
  const steps = [{ computes: ["a", "b"] }, { computes: [] }, { computes: ["b", "c"] }];
  assert.deepEqual(owners(steps), { a: 0, b: 0, c: 2 });
});

test("keys lead to the neighbouring step, to the ends and five steps on, never outside", () => {
  const last = 11;
  const leads = { ArrowRight: [5, 11], ArrowLeft: [3, 10], Home: [0, 0], End: [11, 11], PageDown: [9, 11], PageUp: [0, 6] };
  for (const [key, [from4, from11]] of Object.entries(leads)) {
    assert.equal(stepAfterKey(key, 4, last), from4, key);
    assert.equal(stepAfterKey(key, 11, last), from11, key);
  }
  assert.equal(stepAfterKey("ArrowLeft", 0, last), 0);
  for (const key of ["a", "Enter", "ArrowUp", "Tab", "1", ""]) assert.equal(stepAfterKey(key, 4, last), null, key);
});

/** A grid of cells as the trellis has them. */
function cells(columns, rows) {
  const all = [];
  for (let t = 0; t < columns; t++) for (let i = 0; i < rows; i++) all.push({ t, i, rect: { x: 118 * t, y: 84 * i, width: 78, height: 46 } });
  return all;
}

test("an arrow key leads to the cell beside", () => {
  const all = cells(4, 3);
  const moves = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
  for (const { t, i, rect } of all) {
    for (const [key, [dt, di]] of Object.entries(moves)) {
      const inside = t + dt >= 0 && t + dt < 4 && i + di >= 0 && i + di < 3;
      const found = neighbour(key, rect, all);
      if (!inside) assert.equal(found, null, `${key} from ${t}, ${i}`);
      else assert.deepEqual([found.t, found.i], [t + dt, i + di], `${key} from ${t}, ${i}`);
    }
  }
});

test("a nearer cell straight on wins over one aside, and other keys lead nowhere", () => {
  const here = { x: 0, y: 0, width: 10, height: 10 };
  const straight = { rect: { x: 60, y: 0, width: 10, height: 10 } };
  const aside = { rect: { x: 40, y: 30, width: 10, height: 10 } };
  assert.equal(neighbour("ArrowRight", here, [aside, straight]), straight);
  assert.equal(neighbour("ArrowRight", here, [aside]), aside);
  assert.equal(neighbour("Enter", here, [aside, straight]), null);
  assert.equal(neighbour("ArrowRight", here, []), null);
});

test("what a stepper brings along asks the one player to play it", async () => {
  const lent = widget.initialize({ model: { widget_manager: {} } });
  assert.equal(typeof lent.play, "function");
  const asked = [];
  const host = { getWidget: async (name) => (asked.push(name), { exports: { play: (view) => view } }) };
  const [model, el] = [{ get: (name) => `the ${name}` }, "here"];
  assert.deepEqual(await loader.render({ model, el, host }), { model, el });
  assert.deepEqual(asked, ["the player"]);
});
