// Curves over the steps on a panel of their own, with their names at their ends.

import { fontOf, sheet, stroke, through } from "./canvas.js";
import { clamp, sharedLabels, short, spread, ticks } from "./numbers.js";

const HEIGHT = 160, LEFT = 50, TOP = 17, BOTTOM = 22, FONT = 12; // CSS pixels
export const LANE = 14, GAP = 6; // a line of words, the gap above the first lane

// Room for the names beside the curves: the same in every panel, so that their steps are in line.
export function roomFor(canvas, names) {
  const g = canvas.getContext("2d");
  g.font = fontOf(canvas, FONT);
  return Math.min(0.42 * canvas.clientWidth, 19 + Math.max(...names.map((name) => g.measureText(name).width)));
}

// An empty panel with its axes and numbered marks, and room for lanes beneath.
//   low, high, log, unit  the vertical axis;  last: the step at its right end;  right: room for the names
export function emptyPanel(canvas, { low, high, log = false, unit = short, last, right, marks = [], lanes = 0 }) {
  const beneath = lanes && GAP + LANE * lanes, height = HEIGHT + beneath, width = canvas.clientWidth;
  const { g, colors } = sheet(canvas, width, height, FONT);
  const end = width - right, bottom = HEIGHT - BOTTOM, scale = log ? Math.log10 : (v) => v;
  const X = (step) => LEFT + (end - LEFT) * step / last;
  const Y = (v) => bottom - (bottom - TOP) * (scale(v) - scale(low)) / (scale(high) - scale(low));
  const print = (align, words, x, y) => {
    [g.fillStyle, g.textAlign] = [colors.ink, align];
    g.fillText(words, x, y);
  };
  for (const tick of ticks(low, high, { log })) {
    stroke(g, `M ${LEFT} ${Y(tick)} H ${end}`, colors.line);
    print("right", unit(tick), LEFT - 6, Y(tick));
  }
  print("left", "0", LEFT, height - 10);
  print("right", `step ${last}`, end, height - 10);
  for (const { step } of marks) stroke(g, `M ${X(step)} ${TOP} V ${bottom + beneath}`, colors.faint, 1, [2, 3]);
  const labels = sharedLabels(marks.map(({ step }) => X(step)), g.measureText("0").width);
  for (const { text, x } of labels) print("center", text, x, TOP - 8);
  return { g, colors, X, Y, left: LEFT, top: TOP, bottom, end, right, print };
}

// The step of a panel at x pixels from its left edge, the inverse of emptyPanel's X.
export function stepAt(x, { width, right, last }) {
  return Math.round(last * clamp((x - LEFT) / (width - right - LEFT), 0, 1));
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
  g.globalAlpha = 0.4;
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

// Names [{ y, text, color }] beside the ends of their curves, moved apart; one that is too long is drawn narrower.
export function nameEnds({ g, colors, end, right, bottom }, names, below = bottom - LANE / 2) {
  const x = end + 9, places = spread(names.map(({ y }) => y), LANE, below);
  g.textAlign = "left";
  names.forEach(({ text, color }, i) => {
    g.fillStyle = color;
    g.fillRect(x, places[i] - 4, 4, 8);
    g.fillStyle = colors.ink;
    g.fillText(text, x + 7, places[i], right - 17);
  });
}
