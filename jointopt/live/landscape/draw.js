// Draws the landscape on a canvas.

import { drawLock, drawMarker, stroke, write } from "../shared/canvas.js";
import { LOOK } from "../shared/look.js";
import { isFree, short } from "../shared/numbers.js";
import { drawAxes, drawCross, emptyPlane, writeNear } from "../shared/plane.js";
import { contour, minima, objective, path, sample, TARGET } from "./math.js";

const COMPARED = ["joint", "staged", "alternating"]; // what plan "all" shows
const MARKERS = { joint: "circle", staged: "square", staged_phi_first: "square", alternating: "triangle" };
const GRID = 100; // cells a side

// Shade by height, then contours; each third, ten times higher above the floor, is thick. Answers the heights of those.
function drawSurface({ g, colors, left, top, side, reach }, weight) {
  const { values, low, high, levels } = sample(weight, reach, GRID);
  const shade = new OffscreenCanvas(GRID + 1, GRID + 1);
  const pixels = new ImageData(GRID + 1, GRID + 1);
  const depth = (v) => Math.log((v - low) / 0.01 + 1);
  const most = depth(high) || 1;
  values.forEach((v, i) => { pixels.data[4 * i + 3] = 70 * depth(v) / most; });
  const s = shade.getContext("2d");
  s.putImageData(pixels, 0, 0);
  s.globalCompositeOperation = "source-in";
  s.fillStyle = colors.ink;
  s.fillRect(0, 0, GRID + 1, GRID + 1);
  const cell = side / GRID;
  g.drawImage(shade, left - cell / 2, top - cell / 2, side + cell, side + cell);
  levels.forEach((level, k) => {
    const lines = new Path2D();
    for (const [x1, y1, x2, y2] of contour(values, GRID, level)) {
      lines.moveTo(left + x1 * cell, top + y1 * cell);
      lines.lineTo(left + x2 * cell, top + y2 * cell);
    }
    stroke(g, lines, colors.faint, k % 3 ? 0.7 : 1.4);
  });
  return levels.filter((_, k) => k % 3 === 0);
}

// The heights of the thick contours, along the diagonal to the lower left, where nothing else is written.
function drawHeights(plot, weight, heights) {
  const { g, colors, font, left, top, side, reach, occupied } = plot;
  for (const height of heights) {
    let t = reach;
    while (t > 0 && objective(-t, -t, weight) > height) t -= reach / 500;
    const [[x, y], words] = [plot.at([-t, -t]), short(height)];
    const [w, h] = [g.measureText(words).width / 2, font / 2];
    const box = [x - w, y - h, x + w, y + h];
    if (t <= 0 || !isFree(box, [left, top, left + side, top + side], occupied)) continue;
    write(g, words, x, y, colors, "center");
    occupied.push(box);
  }
}

// Where the task loss is 0, the lines to which freezing keeps the path, the saddle, the minima.
function drawMarks(plot, state, lowest) {
  const { g, colors, left, top, side, reach, font } = plot;
  const valley = new Path2D();
  for (const sign of [1, -1]) {
    for (let i = 0; i <= 60; i++) {
      const theta = TARGET / reach * (reach * reach / TARGET) ** (i / 60);
      valley[i ? "lineTo" : "moveTo"](...plot.at([sign * theta, sign * TARGET / theta]));
    }
  }
  const [x, y] = plot.at(state.start);
  if (state.frozen.includes("theta")) valley.addPath(new Path2D(`M ${x} ${top} v ${side}`));
  if (state.frozen.includes("phi")) valley.addPath(new Path2D(`M ${left} ${y} h ${side}`));
  stroke(g, valley, colors.ink, 1.2, [2, 4]);
  if (lowest.length !== 1) {
    drawCross(plot, plot.at([0, 0]));
    plot.occupy(plot.at([0, 0]), 6);
  }
  for (const point of lowest) {
    drawMarker(g, "star", ...plot.at(point), font * 0.55, colors);
    plot.occupy(plot.at(point), font * 0.7);
  }
}

// A step in which θ alone moves has the look of θ, one of φ alone that of φ; where both move the line is the ink's.
function drawPath(plot, points, shape) {
  const { g, colors, font, reach } = plot;
  const lines = { both: new Path2D(), theta: new Path2D(), phi: new Path2D() };
  const every = points.length > 20 ? 5 * Math.ceil(points.length / 150) : 1;
  const marks = [];
  let last = "";
  for (let i = 1; i < points.length; i++) {
    const [from, to] = [points[i - 1], points[i]];
    if (!to.every((u) => Math.abs(u) < 20 * reach)) break;
    const kind = from[1] === to[1] ? "theta" : from[0] === to[0] ? "phi" : "both";
    const [x, y] = plot.at(to);
    if (kind !== last) lines[kind].moveTo(...plot.at(from));
    lines[kind].lineTo(x, y);
    last = kind;
    if (i % every === 0 && marks.every(([u, v]) => Math.hypot(u - x, v - y) > font)) marks.push([x, y]);
  }
  for (const line of Object.values(lines)) stroke(g, line, colors.paper, 6);
  for (const [kind, [color, dash]] of Object.entries({ both: [colors.ink, []], theta: LOOK.theta, phi: LOOK.phi })) {
    stroke(g, lines[kind], color, 3, dash);
  }
  for (const mark of marks) {
    drawMarker(g, shape, ...mark, font * 0.3, colors);
    plot.occupy(mark, font * 0.35);
  }
}

// The names: of the start, the saddle and the minima, and J at the end of each path.
function drawNames(plot, state, lowest, ends, shapeOf) {
  const { at, reach, font } = plot;
  const inside = (point) => point.every((u) => Math.abs(u) < reach);
  const shown = ends.filter(({ point }) => inside(point));
  for (const { plan, point } of shown) {
    drawMarker(plot.g, shapeOf(plan), ...at(point), font * 0.42, plot.colors);
    plot.occupy(at(point), font * 0.42);
  }
  plot.occupy(at(state.start), 11);
  writeNear(plot, "φ·θ = 1", at([TARGET / reach, reach]), [[1, 1], [-1, 1]]);
  writeNear(plot, "start", at(state.start), [[0, 1], [0, -1], [-1, 0], [1, 0]]);
  if (lowest.length !== 1) writeNear(plot, "saddle", at([0, 0]), [[0, 1], [0, -1]]);
  const name = lowest.length === 1 ? "the only minimum" : "minimum";
  for (const point of lowest.filter(inside)) writeNear(plot, name, at(point), [[-1, 0], [1, 0], [0, 1], [0, -1]]);
  for (const { plan, point, J } of shown) {
    const words = `${state.plan === "all" ? `${plan}: ` : ""}J ${short(J)}`;
    writeNear(plot, words, at(point), [[1, -1], [1, 1], [-1, -1], [-1, 1]], true);
  }
}

// The whole picture; answers its geometry and the end of each path.
export function draw(canvas, state, reach) {
  const plot = emptyPlane(canvas, reach);
  const { g, font } = plot;
  const plans = state.plan === "all" ? COMPARED : [state.plan];
  const shapeOf = (plan) => (state.frozen.length ? "diamond" : MARKERS[plan]);
  const paths = plans.map((plan) => path(state, plan));
  const ends = paths.map((points, i) => {
    const point = points[points.length - 1];
    return { plan: plans[i], point, J: objective(...point, state.weight) };
  });
  plot.within(() => {
    const heights = drawSurface(plot, state.weight);
    const lowest = minima(state.weight);
    drawMarks(plot, state, lowest);
    plans.forEach((plan, i) => { drawPath(plot, paths[i], shapeOf(plan)); });
    drawNames(plot, state, lowest, ends, shapeOf);
    drawHeights(plot, state.weight, heights);
  });
  drawAxes(plot, ["θ (feature extractor)", "φ (classifier)"], (i, half) => { // a sample of the line, and a lock
    const name = ["theta", "phi"][i];
    stroke(g, `M ${-half - 42} 0 h 34`, LOOK[name][0], 3, LOOK[name][1]);
    if (state.frozen.includes(name)) drawLock(g, half + font, 0, font * 0.9, plot.colors.ink);
  });
  return { plot, ends };
}
