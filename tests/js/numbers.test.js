// Numbers in and out, ticks, and names moved apart.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  apart, clamp, decimal, isFree, percent, sharedLabels, short, spread, ticks, two, weightScale,
} from "../../jointopt/live/shared/numbers.js";

function close(given, expected) {
  assert.deepEqual(given.map((value) => Number(value.toPrecision(9))), expected);
}

test("a number is written as a person writes it", () => {
  assert.deepEqual([0, 1234.5, 0.0012345, -2.5].map(short), ["0", "1230", "0.00123", "-2.5"]);
  assert.deepEqual([99999, 123456, 0.00001].map(short), ["100000", "1.2e5", "1.0e-5"]);
  assert.deepEqual([short(NaN), short(-Infinity), two(-0.256), two(1)], ["NaN", "-Infinity", "−0.26", "1.00"]);
});

test("a number is kept within its limits", () => {
  assert.deepEqual([-3, 1, 7].map((x) => clamp(x, 0, 5)), [0, 1, 5]);
});

test("a share has two digits and no exponent, and none is rounded to nothing", () => {
  assert.deepEqual([0, 0.0004, 0.0028].map(percent), ["0 %", "< 0.1 %", "0.28 %"]);
  assert.deepEqual([0.494, 0.996, 1, 1.5].map(percent), ["49 %", "100 %", "100 %", "150 %"]);
});

test("only what is meant as a decimal number is one", () => {
  const right = ["0.5", " -2 ", "5e-2", ".5", "0", "0e5", "5e-324"];
  assert.deepEqual(right.map(decimal), [0.5, -2, 0.05, 0.5, 0, 0, 5e-324]);
  const wrong = ["", "much", "0x10", "1e-400", "1e999", "1,5", "1_0", "Infinity", "0b1", "."];
  assert.deepEqual(wrong.map(decimal), wrong.map(() => NaN));
});

test("a slider begins with 0 and goes up by equal factors", () => {
  const scale = weightScale(-3, 1, 20);
  assert.deepEqual([0, 1, 21, 81].map(scale.value), [0, 0.001, 0.01, 10]);
  assert.equal(scale.top, 81);
  const positions = Array.from({ length: scale.top + 1 }, (_, i) => i);
  assert.deepEqual(positions.map(scale.value).map(scale.position), positions);
  assert.deepEqual([-1, 1e-9, 1e9].map(scale.position), [0, 1, scale.top]);
});

test("ticks on a plain axis", () => {
  close(ticks(0, 1), [0, 0.25, 0.5, 0.75, 1]);
  close(ticks(-2.5, 2.5, { parts: 8, digits: [1, 2, 5, 10] }), [-2, -1, 0, 1, 2]);
  close(ticks(-10.4, 10.4, { parts: 8, digits: [1, 2, 5, 10] }), [-10, -5, 0, 5, 10]);
  close(ticks(70.3, 74.1), [71, 72, 73, 74]);
});

test("ticks on a log axis: powers of ten, at most five, or 1, 2 and 5 within one", () => {
  close(ticks(0.02, 30, { log: true }), [0.1, 1, 10]);
  close(ticks(0.15, 0.7, { log: true }), [0.2, 0.5]);
  close(ticks(2, 5, { log: true }), [2, 5]);
  close(ticks(1e-9, 1, { log: true }), [1e-9, 1e-7, 1e-5, 1e-3, 1e-1]);
});

test("names that would touch are moved apart and stay in their order, above the bottom", () => {
  assert.deepEqual(spread([10, 50, 90], 14, 100), [10, 50, 90]);
  assert.deepEqual(spread([50, 10, 52], 14, 100), [50, 10, 64]);
  assert.deepEqual(spread([99, 98, 97], 14, 100), [100, 86, 72]);
  assert.deepEqual(spread([5, 5], 14, Infinity), [5, 19]);
  assert.deepEqual(spread([], 14, 100), []);
});

test("a box is free within the frame where it covers nothing", () => {
  const frame = [0, 0, 100, 100], occupied = [[40, 40, 60, 60]];
  for (const box of [[61, 40, 80, 60], [20, 40, 39, 60], [40, 61, 60, 80], [40, 20, 60, 39]])
    assert.ok(isFree(box, frame, occupied), `${box}`);
  const covering = [[50, 50, 70, 70], [30, 30, 70, 70], [45, 45, 50, 50]];
  const outside = [[-1, 10, 5, 20], [90, 10, 101, 20]];
  for (const box of [...covering, ...outside]) assert.ok(!isFree(box, frame, occupied), `${box}`);
});

test("numbers that would touch share a label", () => {
  const texts = (positions) => sharedLabels(positions, 7).map(({ text, x }) => [text, x]);
  assert.deepEqual(texts([10, 30, 100]), [["1", 10], ["2", 30], ["3", 100]]);
  assert.deepEqual(texts([10, 15, 100]), [["1–2", 12.5], ["3", 100]]);
  assert.deepEqual(texts([10, 15, 20, 30, 90]), [["1–4", 20], ["5", 90]]);
  assert.deepEqual(texts([50, 62, 66]), [["1–3", 58]]); // 2 and 3 share one, which then touches 1
  assert.deepEqual(texts([]), []);
});

test("a label that would touch the last one is left out", () => {
  assert.deepEqual(apart([90, 80, 70, 69, 58], 11), [true, false, true, false, true]);
  assert.deepEqual(apart([], 11), []);
});
