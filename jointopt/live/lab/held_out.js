// The panel of the held-out metric: of the branch that is followed, and of the others, pale behind it.

import { stroke, through } from "../shared/canvas.js";
import { LOOK } from "../shared/look.js";
import { clamp, short } from "../shared/numbers.js";
import { emptyPanel, nameEnds, pale } from "../shared/panel.js";

const POINTS = 20, SHARE = 0.1; // that the axis spans at least: of a percentage, else of the largest value

// The axis of these values: not so near that noise looks like news. A percentage stays within 0 to 100.
export function heldOutRange(name, values) {
  const [low, high] = [Math.min(...values), Math.max(...values)], isPercent = name.endsWith("(%)");
  const least = isPercent ? POINTS : SHARE * Math.max(Math.abs(low), Math.abs(high));
  const span = Math.max(1.2 * (high - low), least) || 2, from = (low + high - span) / 2;
  if (!isPercent) return [from, from + span];
  const start = clamp(from, 0, Math.max(0, 100 - span));
  return [Math.min(start, low), Math.max(Math.min(100, start + span), high)];
}

// The points from a step on, with the one before, so that they hang together with what is in common.
export function since(points, step) {
  return points.filter((_, i) => i + 1 >= points.length || points[i + 1][0] > step);
}

// The points of each branch that has some, the one that is followed first. A run without other branches has no name.
function measured({ branch, held_out: { points } }, others) {
  const all = [{ name: others.length ? branch : "", points }];
  all.push(...others.map(({ name, held_out: theirs }) => ({ name, points: theirs.points })));
  return all.filter((each) => each.points.length);
}

// The last value of each branch: [{ name, step, value }].
export const lastValues = (info, others) => measured(info, others).map(({ name, points }) => (
  { name, step: points.at(-1)[0], value: points.at(-1)[1] }));

// The values of all branches at one step, the last at which each was measured, since values of different steps are no
// comparison: { step, values }. Of a single branch: its last value, and no step.
export function atEqualStep(info, others) {
  const all = measured(info, others), [first, ...rest] = all.map(({ points }) => new Map(points));
  if (!rest.length) return { step: null, values: lastValues(info, others) };
  const step = Math.max(...[...first.keys()].filter((each) => rest.every((values) => values.has(each))));
  if (step < 0) return { step: null, values: [] }; // of a long run not all points are sent
  return { step, values: all.map(({ name, points }) => ({ name, step, value: new Map(points).get(step) })) };
}

export const inWords = ({ name, value }) => `${name} ${short(value)}`.trim();

// Those at an equal step, then the last of each with its own.
export function valuesInWords(info, others) {
  const { step, values } = atEqualStep(info, others);
  const equal = step === null ? "" : ` At step ${step}: ${values.map(inWords).join(", ")}.`;
  const last = lastValues(info, others).map((each) => `${inWords(each)} at step ${each.step}`);
  return equal + (last.length ? ` Last: ${last.join(", ")}.` : "");
}

export function heldOut(canvas, info, options) {
  const { name, points } = info.held_out, [color, dash] = LOOK.heldOut;
  const behind = options.others.map((other) => since(other.held_out.points, other.shared));
  const values = [points, ...behind].flat().map(([, v]) => v);
  const [low, high] = heldOutRange(name, values.length ? values : [0, 1]);
  const plot = emptyPanel(canvas, { ...options, low, high, last: options.last + 1 });
  const placed = (those) => those.map(([step, v]) => [plot.X(step), plot.Y(v)]);
  for (const theirs of behind) pale(plot.g, () => stroke(plot.g, through(placed(theirs)), color, 1.5, dash));
  stroke(plot.g, through(placed(points)), color, 2.2, dash);
  for (const [x, y] of placed(points)) {
    const dot = new Path2D();
    dot.arc(x, y, 4, 0, 7);
    plot.g.fillStyle = color;
    plot.g.fill(dot);
  }
  const equal = atEqualStep(info, options.others);
  for (const { step, value } of equal.step === null ? [] : equal.values) // a ring: these are compared
    stroke(plot.g, `M ${plot.X(step) - 7} ${plot.Y(value)} a 7 7 0 1 0 14 0 a 7 7 0 1 0 -14 0`, plot.colors.ink, 1.5);
  const names = equal.values.map((each, i) => (
    { y: plot.Y(each.value), text: inWords(each), color, alpha: i ? 0.55 : 1 }));
  const fit = Math.floor((plot.bottom - plot.top) / plot.lane); // of many branches the last ones have their values
  nameEnds(plot, names.length > fit ? [names[0], ...names.slice(1 - fit)] : names);
}
