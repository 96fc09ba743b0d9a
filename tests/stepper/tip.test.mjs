// Where a tip is put: beside its mark, over as little as possible of what it talks about.

import assert from "node:assert/strict";
import { test } from "node:test";

import { lingering, placeTip } from "../../course_utils/stepper/tip.js";
import { generator } from "./random.mjs";

const rect = (left, top, width, height) => ({ left, top, width, height, right: left + width, bottom: top + height });

/** Place a tip of this size over a picture; return the rectangle that it then covers. */
function placed(mark, explained, { size = [200, 60], picture = rect(0, 0, 600, 300), room = rect(0, 0, 600, 500) } = {}) {
  const style = {};
  const tip = { hidden: true, style, offsetWidth: size[0], offsetHeight: size[1], offsetParent: { getBoundingClientRect: () => picture } };
  placeTip(tip, mark, explained, room);
  assert.equal(tip.hidden, false);
  return rect(parseFloat(style.left) + picture.left, parseFloat(style.top) + picture.top, ...size);
}

const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

test("a tip stands below its mark where nothing speaks against it", () => {
  const mark = rect(250, 50, 80, 40);
  const tip = placed(mark, [mark]);
  assert.equal(tip.top, mark.bottom + 6);
  assert.equal(tip.left + tip.width / 2, mark.left + mark.width / 2);
});

test("a tip stands above, or aside, where what it explains lies below", () => {
  const mark = rect(250, 150, 80, 40);
  const below = rect(250, 200, 80, 40);
  assert.ok(placed(mark, [mark, below]).bottom <= mark.top);
  const above = rect(250, 100, 80, 40);
  const aside = placed(mark, [mark, below, above]);
  assert.ok(aside.left >= mark.right || aside.right <= mark.left);
});

test("whatever is around, a tip stays in its room, beside its mark, and over nothing that it explains if there is such a place", () => {
  const random = generator(7);
  const whole = (n) => Math.floor(random() * n);
  const room = rect(0, 0, 600, 500);
  let free = 0;
  for (let n = 0; n < 3000; n++) {
    const mark = rect(whole(520), whole(260), 80, 40);
    const explained = [mark, ...Array.from({ length: whole(4) }, () => rect(whole(520), whole(260), 80, 40))];
    const tip = placed(mark, explained);
    assert.ok(tip.left >= 0 && tip.right <= 600.5 && tip.bottom <= room.bottom, JSON.stringify(tip));
    assert.ok(!overlap(tip, mark));
    // The four places, written once more.
    const x = Math.max(0, Math.min(mark.left + 40 - 100, 400));
    const y = Math.max(0, Math.min(mark.top + 20 - 30, 440));
    const places = [rect(x, mark.bottom + 6, 200, 60), rect(x, mark.top - 66, 200, 60), rect(mark.right + 6, y, 200, 60), rect(mark.left - 206, y, 200, 60)];
    const fits = places.filter((p) => p.left >= 0 && p.right <= 600 && p.top >= 0 && p.bottom <= 500);
    if (fits.some((p) => !explained.some((box) => overlap(p, box)))) {
      free++;
      assert.ok(!explained.some((box) => overlap(tip, box)), JSON.stringify({ mark, explained, tip }));
    }
  }
  assert.ok(free > 2000);
});

test("a tip lingers for a pointer on its way to it, and goes when the pointer is on neither", async () => {
  const heard = {};
  const tip = { hidden: false, addEventListener: (name, does) => (heard[name] = does) };
  const later = (ms) => new Promise((done) => setTimeout(done, ms));
  let gone = 0;
  const pointer = lingering(tip, () => gone++);
  pointer.leave();
  await later(60);
  heard.pointerenter();
  await later(500);
  assert.equal(gone, 0);
  heard.pointerleave();
  pointer.leave(); // a second time, as over the gaps between marks: it does not begin anew, nor hide twice
  await later(500);
  assert.equal(gone, 1);
});
