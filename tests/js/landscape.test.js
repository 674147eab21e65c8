// The landscape's arithmetic against numbers worked out by hand, and its words.

import assert from "node:assert/strict";
import { test } from "node:test";

import { contour, minima, objective, path, sample } from "../../jointopt/live/landscape/math.js";
import { formula, wordsOf, wordsOfMinima } from "../../jointopt/live/landscape/words.js";

function near(given, expected, within = 1e-12) {
  assert.ok(Math.abs(given - expected) < within, `${given} is not ${expected}`);
}
const GIVEN = { start: [2, -0.5], lr: 0.1, steps: 4, weight: 0, frozen: [] };

test("J of a point", () => {
  near(objective(2, 0.5, 0), 0);
  near(objective(2, -0.5, 0.1), 0.5 * 4 + 0.05 * 4.25);
  near(objective(2, -0.5, [0.1, 0.4]), 2 + 0.2 + 0.05);
});

test("one step is lr times the slope", () => {
  const [, [theta, phi]] = path({ ...GIVEN, steps: 1, weight: [0.1, 0.4] }, "joint"); // misfit -2
  near(theta, 2 - 0.1 * (-2 * -0.5 + 0.1 * 2));
  near(phi, -0.5 - 0.1 * (-2 * 2 + 0.4 * -0.5));
});

test("who moves when", () => {
  const moved = (plan, more = {}) => {
    const points = path({ ...GIVEN, ...more }, plan);
    return points.slice(1).map((to, i) => to.map((u, k) => Number(u !== points[i][k])).join("")).join(" ");
  };
  assert.equal(moved("joint"), "11 11 11 11");
  assert.equal(moved("alternating"), "10 01 10 01");
  assert.equal(moved("staged"), "10 10 01 01");
  assert.equal(moved("staged_phi_first"), "01 01 10 10");
  assert.equal(moved("joint", { frozen: ["phi"] }), "10 10 10 10");
  assert.equal(moved("joint", { frozen: ["theta", "phi"] }), "00 00 00 00");
});

test("minima lie where the slope is 0: two, one, or none", () => {
  near(minima(0.19)[0][0], 0.9);
  near(minima(0.19)[1][1], -0.9);
  const [[theta, phi]] = minima([0.1, 0.4]); // φ·θ = 1 - 0.2, θ/φ = 2
  near(theta * phi, 0.8);
  near(theta / phi, 2);
  assert.deepEqual([minima(1), minima([4, 0.25]), minima(0), minima([0, 2])], [[[0, 0]], [[0, 0]], [], []]);
});

test("the grid goes row by row from the top left, and its levels by thirds of a power of ten", () => {
  const { values, low, high, levels } = sample(0.3, 2, 4);
  assert.equal(values.length, 25);
  near(values[0], objective(-2, 2, 0.3));
  near(values[24], objective(2, -2, 0.3));
  near(values[1], objective(-1, 2, 0.3));
  assert.deepEqual([low, high], [Math.min(...values), Math.max(...values)]);
  near((levels[3] - low) / (levels[0] - low), 10);
  assert.ok(levels[0] > low && levels.at(-1) < high);
});

test("contours cut the cells' edges at the level", () => {
  assert.deepEqual(contour([0, 0, 4, 4], 1, 1), [[1, 0.25, 0, 0.25]]);
  assert.deepEqual(contour([0, 0, 4, 4], 1, 9), []);
  assert.deepEqual(contour([4, 0, 0, 0], 1, 2), [[0.5, 0, 0, 0.5]]);
  const at = (i) => i / 10 - 1; // a circle of radius 0.7
  const bowl = Array.from({ length: 441 }, (_, k) => Math.hypot(at(k % 21), at(Math.floor(k / 21))));
  const circle = contour(bowl, 20, 0.7);
  assert.ok(circle.length > 40);
  for (const [x1, y1, x2, y2] of circle) {
    near(Math.hypot(at(x1), at(y1)), 0.7, 0.01);
    near(Math.hypot(at(x2), at(y2)), 0.7, 0.01);
  }
});

test("on a saddle the middle says which ends belong together", () => {
  const sides = (level) =>
    contour([2, 0, 0, 2], 1, level).map(([x1, y1, x2, y2]) => [x1 + x2 > 1, y1 + y2 > 1]);
  assert.deepEqual(sides(0.9), [[true, false], [false, true]]); // the middle, 1, is above: the valleys are cut off
  assert.deepEqual(sides(1.1), [[true, true], [false, false]]); // it is below: the hills are
});

test("words", () => {
  const state = { steps: 60, frozen: [], plan: "joint" };
  const one = [{ plan: "joint", point: [1, -0.5], J: 0.25 }];
  assert.equal(wordsOf(state, one), "after 60 joint steps: theta 1.00, phi −0.50, J 0.25");
  const both = [{ plan: "joint", point: [1, 1], J: 0 }, { plan: "staged", point: [1e9, 1], J: 1e9 }];
  assert.equal(wordsOf({ ...state, frozen: ["phi"] }, both),
    "after 60 steps, phi frozen: joint: theta 1.00, phi 1.00, J 0; staged: ran off (the learning rate is too large)");
  assert.equal(wordsOf(state, [{ plan: "staged", point: [1, 1], J: NaN }]),
    "after 60 staged steps (theta first): ran off (the learning rate is too large)");
  assert.equal(wordsOfMinima(0.19), "Minima: ±(0.90, 0.90).");
  assert.match(wordsOfMinima(2), /^The only minimum is the origin/);
  assert.match(wordsOfMinima(0), /^Every point/);
  assert.match(wordsOfMinima([0, 1]), /^No minimum/);
  assert.equal(formula(0.1), "J = ½(φ·θ − 1)² + ½·0.1·(θ² + φ²)");
  assert.equal(formula([0.1, 2]), "J = ½(φ·θ − 1)² + ½·0.1·θ² + ½·2·φ²");
});
