// How a control that is a function of the step is drawn: the whole of it, and where it stands.

import assert from "node:assert/strict";
import { test } from "node:test";

import { coursePath } from "../../jointopt/live/lab/course.js";

test("the line goes from the least to the largest value, and the dot stands on it", () => {
  const { line, dot } = coursePath([0, 50, 100], [0, 2, 1], 25);
  assert.equal(line, "M3.0 17.0L36.0 3.0L69.0 10.0");
  assert.deepEqual(dot, [19.5, 10]);
});

test("past its end the dot stands at the end, and a schedule of zeros is a line at the bottom", () => {
  assert.deepEqual(coursePath([0, 10], [1, 0.5], 99).dot, [69, 10]);
  assert.deepEqual(coursePath([0, 10], [0, 0], 0), { line: "M3.0 17.0L69.0 17.0", dot: [3, 17] });
  assert.deepEqual(coursePath([0], [2], 0).dot, [3, 3]);
});
