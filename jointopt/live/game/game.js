// The live plane of min_x max_y x·y: its controls, its clock and its two pictures.

import { drawMarker, stroke, through, within } from "../shared/canvas.js";
import { looksOf } from "../shared/look.js";
import { clamp, short, weightScale } from "../shared/numbers.js";
import { onPress, setIdle, weightField } from "../shared/page.js";
import { curve, emptyPanel, nameEnds, roomFor } from "../shared/panel.js";
import { drawAxes, drawCross, emptyPlane, planeView, writeNear } from "../shared/plane.js";
import { METHODS, path, radius, radiusRange, reachOf } from "./math.js";

const PACE = 20; // ms a step, while it plays
const STEP_SIZES = weightScale(-2, 0.5, 20);
const MARKS = { simultaneous: "circle", alternating: "triangle", extragradient: "star" };
const lineOf = (method, colors) =>
  method === "simultaneous" ? [colors.ink, []] : looksOf([], ["alternating", "extragradient"]).modules[method];

const CONTROLS = `
  <div class="jo-row">
    <button data-do="play">Play</button><button data-do="pause">Pause</button>
    <button data-do="step">One step</button><button data-do="reset">Reset</button>
    <output aria-live="off"></output>
  </div>
  <div class="jo-row">${weightField("lr", "step size η", STEP_SIZES, 1)}</div>
  <div class="jo-row"><label>start x <input type="number" name="start x" step="0.1"></label>
    <label>y <input type="number" name="start y" step="0.1"></label>
    <label>steps <input type="number" name="steps" step="10"></label></div>
  <canvas role="img"></canvas>`;

function make({ root, find, canvas, state, ask }) {
  const chart = find(".side canvas");
  let [now, playing] = [0, null]; // playing: [step, time] at which it began

  // The clock is this view's own, since the kernel has no part in it.
  function go(step) {
    [now, playing] = [clamp(step, 0, state.steps), null];
    ask();
  }
  function play() {
    if (now >= state.steps) now = 0;
    playing = [now, performance.now()];
    ask();
  }
  const DEEDS = { play, pause: () => go(now), step: () => go(now + 1), reset: () => go(0) };
  for (const what in DEEDS) onPress(find(`[data-do=${what}]`), DEEDS[what]);

  function draw(reach) {
    if (playing) now = Math.floor(playing[0] + (performance.now() - playing[1]) / PACE);
    if (now >= state.steps) [now, playing] = [state.steps, null];
    const paths = Object.fromEntries(Object.keys(METHODS).map((method) => [method, path(state, method)]));
    const plot = drawPlane(canvas, paths, now, state.start, reach);
    drawRadii(chart, paths, now, state.start);
    find("output").textContent = `step ${now} of ${state.steps}`;
    setIdle(root, { play: playing, pause: !playing, step: playing || now === state.steps });
    find("p[role=status]").setAttribute("aria-live", playing ? "off" : "polite"); // read out at the end
    const words = wordsOf(paths, now, state.lr);
    chart.setAttribute("aria-label", `Radius over the steps, on a logarithmic scale. ${words}`);
    if (playing) ask();
    const points = Object.entries(paths).map(([method, all]) => [method, all[now]]); // method: [x, y], as shown
    const data = { points: JSON.stringify(Object.fromEntries(points)), now };
    return { plot, label: "The plane of x and y, the equilibrium in its middle.", words, data };
  }
  const lr = { valid: (u) => u > 0 && Number.isFinite(u), expected: "step size η: a number > 0", scale: STEP_SIZES };
  return { fields: { lr }, reach: reachOf, limit: (reach) => reach, draw };
}

// The plane with the paths up to step `now`; answers its geometry.
function drawPlane(canvas, paths, now, start, reach) {
  const plot = emptyPlane(canvas, reach);
  const { g, colors, at, font } = plot;
  plot.within(() => {
    drawField(plot);
    for (const method in paths) drawLine(g, paths[method].slice(0, now + 1).map(at), lineOf(method, colors), colors);
    for (const method in paths) {
      const point = paths[method][now];
      if (point.some((u) => !(Math.abs(u) < reach))) continue;
      drawMarker(g, MARKS[method], ...at(point), font * 0.42, colors);
      plot.occupy(at(point), font * 0.5);
    }
    drawCross(plot, at([0, 0]));
    plot.occupy(at(start), 11);
    writeNear(plot, "equilibrium", at([0, 0]), [[0, 1], [0, -1]]);
    writeNear(plot, "start", at(start), [[0, -1], [0, 1]]);
  });
  drawAxes(plot, ["x, descends on x·y", "y, descends on −x·y"]);
  return plot;
}

// Arrows: where the two players would go.
function drawField({ g, colors, at, reach }) {
  for (let i = -3; i <= 3; i++) {
    for (let j = -3; j <= 3; j++) {
      const [x, y] = [0.3 * i * reach, 0.3 * j * reach];
      const [[fromX, fromY], [toX, toY]] = [at([x, y]), at([x - 0.09 * y, y + 0.09 * x])];
      const [u, v] = [0.4 * (fromX - toX), 0.4 * (fromY - toY)]; // back
      const head = `m ${u - 0.6 * v} ${v + 0.6 * u} L ${toX} ${toY} l ${u + 0.6 * v} ${v - 0.6 * u}`;
      stroke(g, `M ${fromX} ${fromY} L ${toX} ${toY} ${head}`, colors.line, 1.5);
    }
  }
}

function drawLine(g, points, [color, dash], colors) {
  const line = through(points);
  stroke(g, line, colors.paper, 5);
  stroke(g, line, color, 2.5, dash);
}

function drawRadii(canvas, paths, now, start) {
  const methods = Object.keys(paths);
  const radii = Object.fromEntries(methods.map((method) => [method, paths[method].map(radius)]));
  const [low, high] = radiusRange(Object.values(radii), radius(start));
  const last = radii.simultaneous.length - 1;
  const plot = emptyPanel(canvas, { low, high, log: true, last, right: roomFor(canvas, methods) });
  const { g, colors, X, Y, left, top, bottom, end } = plot;
  plot.print("left", "radius (log scale)", left, top - 9);
  const names = [];
  within(g, [left, top - 8, end, bottom - top + 16], () => {
    for (const method of methods) {
      const steps = radii[method].slice(0, now + 1), look = lineOf(method, colors);
      curve(plot, { values: steps, look, width: 2.5 }, steps.map((_, step) => step));
      const y = Y(steps[now]);
      if (y >= top - 8 && y <= bottom + 8) drawMarker(g, MARKS[method], X(now), y, 6, colors);
      names.push({ y: clamp(Number.isFinite(y) ? y : top, top, bottom), text: method, color: look[0] });
    }
  });
  nameEnds(plot, names);
}

// Where the three are, in words.
function wordsOf(paths, now, lr) {
  const where = Object.entries(paths).map(([method, points]) => {
    const r = radius(points[now]);
    return `${method} ${r < 1e6 ? short(r) : "ran off"}`;
  });
  return `step ${now}, η ${short(lr)}: radius ${where.join(", ")}`;
}

const render = (context) => planeView(context, {
  kind: "game", label: "The game min max x·y", axes: ["x", "y"], settings: ["start", "lr", "steps"],
  controls: CONTROLS, make,
});

export default { render };
