// What the lab's curves make of a frame, of marks, of zeros.

import assert from "node:assert/strict";
import { test } from "node:test";

import { isReset } from "../../jointopt/live/lab/controls.js";
import { lastStep, listed, markedAt, numbered, ofPicked, readRows } from "../../jointopt/live/lab/curves.js";
import { atEqualStep, heldOutRange, lastValues, since, valuesInWords } from "../../jointopt/live/lab/held_out.js";
import { influence } from "../../jointopt/live/lab/influence.js";
import { through } from "../../jointopt/live/shared/canvas.js";
import { looksOf } from "../../jointopt/live/shared/look.js";
import { escaped, onStep, pickStep } from "../../jointopt/live/shared/page.js";
import { curve, logRange, marksBehind, runs, standing, stepAt } from "../../jointopt/live/shared/panel.js";

// Of a path, what was asked of it.
globalThis.Path2D = class {
  calls = "";
  constructor(d) { this.d = d; }
  moveTo(x, y) { this.calls += `M${x},${y} `; }
  lineTo(x, y) { this.calls += `L${x},${y} `; }
};

test("a frame is rows of float32, wherever it begins in its buffer", () => {
  const floats = new Float32Array([0, 2.5, 1, 0.25, 1, 2]);
  const bytes = new Uint8Array(1 + floats.byteLength);
  bytes.set(new Uint8Array(floats.buffer), 1);
  assert.deepEqual(readRows(new DataView(bytes.buffer, 1), 3).map((row) => [...row]), [[0, 2.5, 1], [0.25, 1, 2]]);
  assert.deepEqual([readRows(null, 3), readRows(new DataView(new ArrayBuffer(0)), 3)], [[], []]);
});

test("the axis has room for the curves of a hundred branches", () => {
  const other = { values: new Float32Array(512).fill(2) };
  assert.deepEqual(logRange([{ values: [0, NaN, 4, Infinity] }, ...Array(400).fill(other)]), [1.6, 5]);
});

test("changes of one step share a number", () => {
  const marks = [[3, "a"], [3, "b"], [9, "c"]];
  assert.deepEqual(numbered(marks), [{ step: 3, texts: ["a", "b"] }, { step: 9, texts: ["c"] }]);
});

test("four zeros in a row stand still, fewer are the turns of others", () => {
  const values = [1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0];
  assert.deepEqual(runs(standing(values)), [[7, 11], [12, 16]]);
  assert.deepEqual(runs(standing(new Float32Array([0, 0, 0, 0]))), [[0, 4]]);
  assert.deepEqual(runs([]), []);
});

test("a path is lifted where a point is far away or none", () => {
  assert.equal(through([[0, 1], [2, 3], [NaN, 0], [4, 5], [6, 1e5], [8, 9]]).calls, "M0,1 L2,3 M4,5 M8,9 ");
});

test("a curve goes on over another's turn, and has a gap where it stood still or was not a number", () => {
  let drawn = "";
  const plot = { g: { setLineDash() {}, stroke(path) { drawn = path.calls; } }, X: (step) => step, Y: (v) => v };
  const draw = (values) => {
    curve(plot, { values, look: ["", []] }, values.map((_, i) => i));
    return drawn.trim();
  };
  assert.equal(draw([1, 0, 2, 0, 3]), "M0,1 L2,2 L4,3");
  assert.equal(draw([1, 0, 0, 0, 0, 2, 3]), "M0,1 M5,2 L6,3");
  assert.equal(draw([1, NaN, 2]), "M0,1 M2,2");
});

test("the log axis shows all that can be shown", () => {
  assert.deepEqual(logRange([{ values: new Float32Array([0, 2, 4]) }, { values: [Infinity, 1] }]), [0.8, 5]);
  assert.deepEqual(logRange([{ values: [0, NaN] }]), [0.1, 1]);
});

test("names have their looks, further ones are numbered: modules, then losses", () => {
  const { modules, losses } = looksOf(["task", "reg", "mask"], ["backbone", "rpn", "roi_heads"]);
  const colors = (looks) => Object.values(looks).map(([color]) => color);
  assert.deepEqual(colors(modules), ["#0072B2", "#E69F00", "#D55E00"]);
  assert.deepEqual(colors(losses), ["#56B4E9", "#009E73", "#CC79A7"]);
});

test("no two of seven losses and modules have one color or one dash, even of one name", () => {
  const detection = [["objectness", "rpn_box_reg", "classifier", "box_reg"], ["backbone", "rpn", "roi_heads"]];
  const pretext = [["task", "rotation", "reconstruction"], ["feature_extractor", "classifier", "rotation", "decoder"]];
  for (const names of [detection, pretext]) {
    const all = Object.values(looksOf(...names)).flatMap((looks) => Object.values(looks));
    for (const part of [0, 1]) assert.equal(new Set(all.map((look) => String(look[part]))).size, 7);
  }
});

test("more names than colors: a color comes again with another dash, and so does a name of the same idea", () => {
  const names = (kind) => [..."abcdef"].map((letter) => kind + letter);
  const { modules, losses } = looksOf([...names("loss"), "reg"], ["backbone", "encoder", ...names("module")]);
  const all = [...Object.values(modules), ...Object.values(losses)];
  assert.equal(new Set(all.map(String)).size, 15);
});

test("influence: a disc by area for each pair, none where there is none, and names that are no HTML", () => {
  const html = influence([["task", "a<b", 4], ["reg", "a<b", 1]], ["task", "reg"], ["a<b", "c"]);
  assert.deepEqual([...html.matchAll(/ r="(.*?)"/g)].map((match) => Number(match[1])), [13, 6.5]);
  assert.equal(html.match(/aria-label="none"/g).length, 2);
  assert.ok(html.includes("a&#60;b") && !html.includes("a<b"));
  assert.equal(escaped(`<&>"'`), "&#60;&#38;&#62;&#34;&#39;");
});

test("of many modules the influence has two digits, and little of it has few letters", () => {
  const html = influence([["task", "a", 0.000333], ["task", "b", 0], ["task", "c", 0.0123]], ["task"], ["a", "b", "c"]);
  assert.deepEqual([...html.matchAll(/<br> (.*?)<\/td>/g)].map((match) => match[1]), ["3.3e-4", "0", "0.012"]);
});

test("a click on a panel is a step, from the first to the last", () => {
  const options = { width: 300, left: 50, right: 50, last: 100 }; // the curves lie between 50 and 250 pixels
  assert.deepEqual([0, 50, 150, 250, 299].map((x) => stepAt(x, options)), [0, 0, 50, 100, 100]);
});

test("a step that was clicked is heard by the controls of that lab, as long as they are there", () => {
  globalThis.document = new EventTarget();
  const heard = [];
  const forget = onStep("a", (step) => heard.push(step));
  pickStep("a", 7);
  pickStep("b", 8);
  forget();
  pickStep("a", 9);
  assert.deepEqual(heard, [7]);
});

test("the last step is a whole number, of whichever branch it is", () => {
  const others = [{ steps: 1063, x: [1, 1061.5] }, { steps: 80, x: [79] }];
  assert.deepEqual([lastStep(500, others), lastStep(2000, others), lastStep(0, [])], [1062, 1999, 1]);
});

test("a flat line of held-out values looks flat, and a percentage stays within 0 and 100", () => {
  const range = (name, ...values) => heldOutRange(name, values).map((v) => Number(v.toPrecision(6)));
  assert.deepEqual(range("accuracy (%)", 9.8, 10), [0, 20]);
  assert.deepEqual(range("accuracy (%)", 97, 99.5), [80, 100]);
  assert.deepEqual(range("accuracy (%)", 50, 54), [42, 62]);
  assert.deepEqual(range("accuracy (%)", 10, 60), [5, 65]);
  assert.deepEqual([range("accuracy (%)", 0, 100), range("error (%)", 90, 140)], [[0, 100], [40, 140]]);
  assert.deepEqual([range("perplexity", 100, 101), range("loss", 2, 4)], [[95.45, 105.55], [1.8, 4.2]]);
  assert.deepEqual(range("norm", 0), [-1, 1]);
});

test("held-out values of two branches are compared at the last step that both have, and each says its step", () => {
  const heldOut = (...points) => ({ name: "accuracy (%)", points });
  const info = { branch: "C", held_out: heldOut([0, 10], [30, 80], [60, 86.14]) };
  const others = [
    { name: "A", held_out: heldOut([0, 10], [30, 80], [60, 91.2], [210, 94.8]) }, { name: "B", held_out: heldOut() },
  ];
  const values = [{ name: "C", step: 60, value: 86.14 }, { name: "A", step: 60, value: 91.2 }];
  assert.deepEqual(atEqualStep(info, others), { step: 60, values });
  const words = " At step 60: C 86.1, A 91.2. Last: C 86.1 at step 60, A 94.8 at step 210.";
  assert.equal(valuesInWords(info, others), words);
  assert.deepEqual(lastValues(info, others).map(({ step }) => step), [60, 210]);
  const [alone] = [{ branch: "A", held_out: heldOut([25, 86.14]) }];
  assert.deepEqual(atEqualStep(alone, []), { step: null, values: [{ name: "", step: 25, value: 86.14 }] });
  assert.equal(valuesInWords(alone, []), " Last: 86.1 at step 25.");
  const apart = [{ name: "B", held_out: heldOut([26, 1]) }];
  assert.deepEqual(atEqualStep(alone, apart), { step: null, values: [] });
  assert.equal(valuesInWords({ branch: "A", held_out: heldOut() }, []), "");
});

test("the marks of a branch that lies behind go by its name", () => {
  const other = { name: "A", marks: numbered([[31, "λ reg 0.1"], [91, "<b>"]]) };
  assert.deepEqual(listed(other), [
    "<li><b>A1</b> step 31: λ reg 0.1</li>", "<li><b>A2</b> step 91: &#60;b&#62;</li>",
  ]);
  assert.deepEqual([markedAt(other), markedAt({ name: "B", marks: [] })], ["A, marked at step 31, 91", "B"]);
});

test("on the curves these marks are pale, hollow and have its name", () => {
  const drawn = [], words = [];
  const g = {
    save() {}, restore() {}, setLineDash() {}, measureText: () => ({ width: 8 }),
    stroke(path) { drawn.push([path.d, g.globalAlpha]); }, strokeText() {}, fillText(text) { words.push(text); },
  };
  const plot = { g, colors: { ink: "", faint: "", paper: "" }, X: (step) => 3 * step, top: 10, bottom: 90 };
  marksBehind(plot, { name: "A", marks: [{ step: 10 }, { step: 50 }] }, 12, 0);
  assert.deepEqual(words, ["A1", "A2"]);
  assert.deepEqual(drawn.map(([path]) => path.split(" ")[1]), ["30", "30", "150", "150"]);
  assert.ok(drawn.every(([, alpha]) => alpha < 1) && drawn[1][0].endsWith("Z"));
});

test("a step that was picked says what it is good for", () => {
  assert.equal(ofPicked(705, 705), "step 705: Branch here goes back to it");
  assert.equal(ofPicked(706, 705), "step 706 is still to come: Enter plays on to it");
});

test("Reset sets the settings back where it has nothing else to do", () => {
  const state = { step: 0, playing: false, branches: [], kept: ["λ"] };
  assert.ok(isReset(state));
  for (const other of [{ step: 1 }, { playing: true }, { branches: [{}, {}] }, { kept: [] }])
    assert.ok(!isReset({ ...state, ...other }));
});

test("held-out points of another branch begin with the last one in common", () => {
  const points = [[0, 1], [10, 2], [20, 3], [30, 4]];
  assert.deepEqual(since(points, 12), [[10, 2], [20, 3], [30, 4]]);
  assert.deepEqual(since(points, 20), [[20, 3], [30, 4]]);
  assert.deepEqual(since(points, 0), points);
  assert.deepEqual(since([], 5), []);
});
