// The game's arithmetic against what is known of it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { path, radius, radiusRange, reachOf } from "../../jointopt/live/game/math.js";

const GIVEN = { start: [3, 4], lr: 0.1, steps: 50 };
const near = (given, expected) => assert.ok(Math.abs(given - expected) < 1e-9, `${given} is not ${expected}`);

test("each method's first step", () => {
  const first = (method) => path(GIVEN, method)[1];
  assert.deepEqual(first("simultaneous"), [3 - 0.1 * 4, 4 + 0.1 * 3]);
  assert.deepEqual(first("alternating"), [3 - 0.1 * 4, 4 + 0.1 * (3 - 0.1 * 4)]);
  assert.deepEqual(first("extragradient"), [3 - 0.1 * (4 + 0.1 * 3), 4 + 0.1 * (3 - 0.1 * 4)]);
});

test("simultaneous steps grow by √(1 + η²) each, extragradient's shrink by √(1 − η² + η⁴), alternating stays", () => {
  const end = (method) => radius(path(GIVEN, method)[50]);
  near(end("simultaneous"), 5 * 1.01 ** 25);
  near(end("extragradient"), 5 * (1 - 0.01 + 0.0001) ** 25);
  for (const point of path({ ...GIVEN, steps: 2000 }, "alternating")) assert.ok(Math.abs(radius(point) - 5) < 0.5);
});

test("a path keeps its start, and does not change what it was given", () => {
  const points = path(GIVEN, "simultaneous");
  assert.equal(points.length, 51);
  assert.deepEqual([points[0], GIVEN.start], [[3, 4], [3, 4]]);
});

test("what is shown", () => {
  assert.deepEqual([reachOf([0, 0]), reachOf([3, 4])], [2.5, 10]);
  assert.deepEqual(radiusRange([[1, 2], [1, 0.5]], 1), [0.5 / 1.3, 2.6]);
  assert.deepEqual(radiusRange([[1, 1e30, Infinity], [1, 1e-30, 0]], 1), [1e-3, 1e3]);
  assert.deepEqual(radiusRange([[1, 0], [1, 0.5]], 1), [0.5 / 1.3, 1.3]);
  assert.deepEqual(radiusRange([[0, 0]], 0), [0.1, 10]);
});
