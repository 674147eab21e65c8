// Curves over the steps on a panel of their own, with their names at their ends.

import { fontOf, sheet, stroke, through, typeOf, write } from "./canvas.js";
import { apart, clamp, sharedLabels, short, spread, ticks } from "./numbers.js";

const [HEIGHT, LEAST] = [124, 56], NARROW = 260; // CSS pixels: of a panel, of its curves; below which it is narrow

// The parts of a panel in CSS pixels, in proportion to its type: a line of words, the gap above the first lane, …
export function measuresOf(canvas) {
  const font = typeOf(canvas), u = font / 12, narrow = canvas.clientWidth < NARROW;
  const lines = { lane: 14 * u, gap: 6 * u, left: (narrow ? 46 : 50) * u, top: 16 * u, bottom: 18 * u };
  return { font, narrow, height: (narrow ? 0.89 : 1) * HEIGHT * u, ...lines };
}

// Room for the names beside the curves: the same in every panel, so that their steps are in line.
export function roomFor(canvas, names) {
  const g = canvas.getContext("2d"), { font, narrow } = measuresOf(canvas);
  g.font = fontOf(canvas, font);
  const most = (narrow ? 0.36 : 0.42) * canvas.clientWidth;
  return Math.min(most, 19 + Math.max(...names.map((name) => g.measureText(name).width)));
}

// An empty panel with its axes and numbered marks, and room for lanes beneath: the curves give way to a few of them.
//   low, high, log, unit  the vertical axis;  last: the step at its right end;  right: room for the names
//   others                branches that lie behind: { name, marks }
//   picked                a step with a line through it, or null
export function emptyPanel(canvas, options) {
  const { low, high, log = false, unit = short, last, right, marks = [], lanes = 0, picked = null } = options;
  const { others = [] } = options;
  const measures = measuresOf(canvas), { lane, gap, left, top } = measures;
  const beneath = lanes && gap + lane * lanes, width = canvas.clientWidth;
  const height = Math.max(measures.height, top + LEAST + beneath + measures.bottom);
  const { g, colors } = sheet(canvas, width, height, measures.font);
  const end = width - right, bottom = height - beneath - measures.bottom, scale = log ? Math.log10 : (v) => v;
  const X = (step) => left + (end - left) * step / last;
  const Y = (v) => bottom - (bottom - top) * (scale(v) - scale(low)) / (scale(high) - scale(low));
  const print = (align, words, x, y) => {
    [g.fillStyle, g.textAlign] = [colors.ink, align];
    g.fillText(words, x, y);
  };
  const lines = ticks(low, high, { log }), named = apart(lines.map(Y), measures.font);
  lines.forEach((tick, i) => {
    stroke(g, `M ${left} ${Y(tick)} H ${end}`, colors.line);
    if (named[i]) print("right", unit(tick), left - 6, Y(tick));
  });
  print("left", "0", left, height - 0.5 * measures.bottom);
  print("right", `step ${last}`, end, height - 0.5 * measures.bottom);
  for (const { step } of marks) stroke(g, `M ${X(step)} ${top} V ${bottom + beneath}`, colors.faint, 1, [2, 3]);
  const labels = sharedLabels(marks.map(({ step }) => X(step)), g.measureText("0").width);
  for (const { text, x } of labels) print("center", text, x, top / 2);
  for (const [i, other] of others.entries()) marksBehind({ g, colors, X, top, bottom }, other, measures.font, i);
  if (picked !== null && picked <= last) pin(g, X(picked), top, bottom + beneath, colors.ink);
  return { g, colors, X, Y, lane, gap, left, top, bottom, end, right, print };
}

// The marks of a branch that lies behind, pale and on the axis, each with its name: A1, A2. Of several branches they
// stand one above the other.
export function marksBehind({ g, colors, X, top, bottom }, { name, marks }, font, row) {
  for (const { step } of marks)
    pale(g, () => {
      stroke(g, `M ${X(step)} ${top} V ${bottom}`, colors.faint, 1, [1, 5]);
      stroke(g, `M ${X(step)} ${bottom - 4} l 4 4 l -4 4 l -4 -4 Z`, colors.ink, 1.5);
    });
  const labels = sharedLabels(marks.map(({ step }) => X(step)), 2 * g.measureText("0").width);
  for (const { text, x } of labels) write(g, name + text, x, bottom - 4 - (1 + row % 3) * 0.8 * font, colors, "center");
}

// A line through one step, with a foot: it is no mark of a change, which is dotted and has a number.
function pin(g, x, top, bottom, color) {
  stroke(g, `M ${x} ${top} V ${bottom}`, color, 1.5);
  g.fillStyle = color;
  g.fill(new Path2D(`M ${x} ${bottom - 1} l 5 6 h -10 Z`));
}

// The step of a panel at x pixels from its left edge, the inverse of emptyPanel's X.
export function stepAt(x, { width, left, right, last }) {
  return Math.round(last * clamp((x - left) / (width - right - left), 0, 1));
}

// True where a value is 0 for at least four rows: shorter zeros are the turns of other modules or losses.
export function standing(values) {
  const still = Array.from(values, (v) => v === 0);
  for (const [start, end] of runs(still)) if (end - start < 4) still.fill(false, start, end);
  return still;
}

// [start, end) of each run of true.
export function runs(flags) {
  const ranges = [];
  for (let start = 0, i = 0; i <= flags.length; i++)
    if (!flags[i]) {
      if (start < i) ranges.push([start, i]);
      start = i + 1;
    }
  return ranges;
}

// What is drawn here is pale: it lies behind.
export function pale(g, draw) {
  g.save();
  g.globalAlpha = 0.55;
  draw();
  g.restore();
}

// A curve through the values above 0 at steps x; what stands still leaves a gap, a turn of others does not.
export function curve({ g, X, Y }, { values, look: [color, dash], width = 2.2 }, x) {
  const gaps = standing(values);
  const points = Array.from(values, (v, i) => (v > 0 ? [X(x[i]), Y(v)] : v !== 0 || gaps[i] ? [NaN, NaN] : null));
  stroke(g, through(points.filter(Boolean)), color, width, dash);
}

// The axis of these values on a log scale.
export function logRange(series) {
  let low = Infinity, high = 0; // one by one: many branches have more values than Math.min takes at once
  for (const { values } of series)
    for (const v of values)
      if (v > 0 && Number.isFinite(v)) [low, high] = [Math.min(low, v), Math.max(high, v)];
  return high ? [low * 0.8, high * 1.25] : [0.1, 1];
}

// Names [{ y, text, color, alpha }] beside the ends of their curves, moved apart; a long one is drawn narrower.
export function nameEnds({ g, colors, end, right, bottom, lane }, names, below = bottom - lane / 2) {
  const x = end + 9, places = spread(names.map(({ y }) => y), lane, below);
  g.textAlign = "left";
  names.forEach(({ text, color, alpha = 1 }, i) => {
    [g.fillStyle, g.globalAlpha] = [color, alpha];
    g.fillRect(x, places[i] - 4, 4, 8);
    [g.fillStyle, g.globalAlpha] = [colors.ink, 1];
    g.fillText(text, x + 7, places[i], right - 17);
  });
}
