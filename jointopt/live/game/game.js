// The live plane of min_x max_y x·y. In front of this file widget.py puts common.js and settings.js.
// jointopt/game.py has the same arithmetic, and a browser test compares the two.

const SETTINGS = ["start", "lr", "steps"];
const MAX_START = 10;
const MAX_STEPS = 2000;
const PACE = 20; // ms a step, while it plays
const STEP_SIZES = weightScale(-2, 0.5, 20);
const MARKS = { simultaneous: "circle", alternating: "triangle", extragradient: "star" };

const METHODS = {
  simultaneous: (x, y, lr) => [x - lr * y, y + lr * x],
  alternating: (x, y, lr) => {
    const moved = x - lr * y;
    return [moved, y + lr * moved];
  },
  extragradient: (x, y, lr) => {
    const [aheadX, aheadY] = METHODS.simultaneous(x, y, lr);
    return [x - lr * aheadY, y + lr * aheadX];
  },
};

// steps + 1 points [x, y].
export function path({ start, lr, steps }, method) {
  const points = [[...start]];
  for (let i = 0; i < steps; i++) points.push(METHODS[method](...points[i], lr));
  return points;
}

const radius = ([x, y]) => Math.hypot(x, y);
const lineOf = (method, colors) =>
  method === "simultaneous" ? [colors.ink, []] : lookOf(method, ["alternating", "extragradient"]);

const HTML = `
  <style>
    .jo-game { display: flex; flex-wrap: wrap; gap: 4px 20px; align-items: flex-start; }
    .jo-game .plot { position: relative; flex: 1 1 320px; max-width: 520px; min-width: 0; }
    .jo-game .side { flex: 1 1 320px; min-width: 0; font-size: 15px; }
    .jo-game .handle { position: absolute; width: 44px; height: 44px; margin: -22px 0 0 -22px; border-radius: 50%;
      cursor: grab; touch-action: none;
      background: radial-gradient(circle, var(--jo-paper) 8px, var(--jo-ink) 8.5px 11px, transparent 11.5px); }
    .jo-game input[type="range"] { flex: 1 1 110px; min-width: 90px; height: 30px; }
    .jo-game input[type="number"] { width: 84px; padding: 3px 6px; box-sizing: border-box; }
    .jo-game [aria-invalid="true"] { outline: 3px solid #d55e00; }
    .jo-game [role="status"] { margin: 0; padding: 4px 0; min-height: 4em; text-wrap: pretty; }
    .jo-game output { font-weight: 600; }
  </style>
  <div class="plot">
    <canvas role="img"></canvas>
    <div class="handle" tabindex="0" role="slider" aria-label="start point" aria-valuemin="-10" aria-valuemax="10"
      title="Drag, or arrow keys (with Shift: larger steps)"></div>
  </div>
  <div class="side">
    <div class="jo-row">
      <button data-do="play">Play</button><button data-do="pause">Pause</button>
      <button data-do="step">One step</button><button data-do="reset">Reset</button>
      <output aria-live="off"></output>
    </div>
    <div class="jo-row">step size η
      <input type="range" name="slider" min="1" max="${STEP_SIZES.top}" aria-label="step size η, logarithmic">
      <input type="number" name="lr" min="0" step="0.01" aria-label="step size η, exact"></div>
    <div class="jo-row"><label>start x <input type="number" name="x" step="0.1"></label>
      <label>y <input type="number" name="y" step="0.1"></label>
      <label>steps <input type="number" name="steps" step="10"></label></div>
    <canvas role="img"></canvas>
    <p role="status" aria-live="polite"></p>
  </div>`;

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "jo jo-game";
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "The game min max x·y");
  root.innerHTML = HTML;
  el.append(root);
  keepKeys(root);
  const find = (selector) => root.querySelector(selector);
  const [plane, chart] = root.querySelectorAll("canvas");
  const handle = find(".handle");
  const slider = find("[name=slider]");
  const [say, hush] = speaker(find("[role=status]"));
  const settings = sharedSettings(model, SETTINGS, (lost) => { show(lost); ask(); });
  const { state, change } = settings;
  let [now, playing, frame, plot] = [0, null, 0, null]; // playing: [step, time] at which it began

  // --- the clock: this view's own, since the kernel has no part in it
  function play() {
    if (now >= state.steps) now = 0;
    playing = [now, performance.now()];
    ask();
  }
  function go(step) {
    [now, playing] = [clamp(step, 0, state.steps), null];
    ask();
  }
  const DEEDS = { play, pause: () => go(now), step: () => go(now + 1), reset: () => go(0) };
  for (const what in DEEDS) {
    const button = find(`[data-do=${what}]`);
    button.addEventListener("click", () => button.getAttribute("aria-disabled") === "true" || DEEDS[what]());
  }

  // --- the picture
  function ask() {
    frame ||= requestAnimationFrame(redraw);
  }
  function redraw() {
    frame = 0;
    if (!plane.parentElement.clientWidth) return;
    if (playing) now = Math.floor(playing[0] + (performance.now() - playing[1]) / PACE);
    if (now >= state.steps) [now, playing] = [state.steps, null];
    const paths = Object.fromEntries(Object.keys(METHODS).map((method) => [method, path(state, method)]));
    plot = drawPlane(plane, paths, now, state.start, dragged() ? plot.reach : reachOf(state.start));
    drawRadii(chart, paths, now, state.start);
    const [x, y] = state.start;
    handle.style.left = `${plot.x(x)}px`;
    handle.style.top = `${plot.y(y)}px`;
    handle.setAttribute("aria-valuenow", x);
    handle.setAttribute("aria-valuetext", `x ${two(x)}, y ${two(y)}`);
    find("output").textContent = `step ${now} of ${state.steps}`;
    // Not `disabled`: that throws the focus off the button that was pressed, and keys then go to the page.
    for (const [what, idle] of [["play", playing], ["pause", !playing], ["step", playing || now === state.steps]])
      find(`[data-do=${what}]`).setAttribute("aria-disabled", Boolean(idle));
    const words = wordsOf(paths, now, state.lr);
    plane.setAttribute("aria-label", `The plane of x and y, the equilibrium in its middle. ${words}`);
    chart.setAttribute("aria-label", `Radius over the steps, on a logarithmic scale. ${words}`);
    find("[role=status]").setAttribute("aria-live", playing ? "off" : "polite"); // seen all the time, read out at the end
    say(settings.line(words));
    const at = Object.entries(paths).map(([method, points]) => [method, points[now]]);
    root.dataset.points = JSON.stringify(Object.fromEntries(at)); // method: [x, y], at the step that is shown
    root.dataset.now = now;
    root.dataset.draws = Number(root.dataset.draws || 0) + 1;
    if (playing) ask();
  }

  // --- the controls
  const range = `a number from -${MAX_START} to ${MAX_START}`;
  const isStart = (u) => Math.abs(u) <= MAX_START;
  const showNumbers = numberFields(root, {
    lr: [() => state.lr, (lr) => ({ lr }), (u) => u > 0 && Number.isFinite(u), "step size η: a number > 0"],
    x: [() => state.start[0], (x) => ({ start: [x, state.start[1]] }), isStart, `start x: ${range}`],
    y: [() => state.start[1], (y) => ({ start: [state.start[0], y] }), isStart, `start y: ${range}`],
    steps: [() => state.steps, (steps) => ({ steps }), (u) => Number.isInteger(u) && u >= 1 && u <= MAX_STEPS,
      `steps: a whole number from 1 to ${MAX_STEPS}`],
  }, change, say);
  function show(lost) {
    showNumbers(lost);
    slider.value = STEP_SIZES.position(state.lr);
    slider.setAttribute("aria-valuetext", short(state.lr));
  }
  slider.addEventListener("input", () => change({ lr: STEP_SIZES.value(Number(slider.value)) }));
  const dragged = movable(plane, handle, {
    state, change, most: MAX_START, ended: ask,
    at: () => [plot.x(state.start[0]), plot.y(state.start[1])],
    point: (x, y) => plot.point(x, y),
    limit: () => Math.min(MAX_START, plot.reach),
  });

  const stopWatching = onLookChange(root, ask);
  settings.pull();
  return () => {
    settings.close();
    stopWatching();
    cancelAnimationFrame(frame);
    hush();
  };
}

export const reachOf = (start) => Math.max(2.5, 2 * radius(start));

// The plane with the paths up to step `now`; answers its geometry.
function drawPlane(canvas, paths, now, start, reach) {
  const colors = theme(canvas);
  const width = canvas.parentElement.clientWidth;
  const font = clamp(width / 30, 13, 16);
  const [left, top, side] = [3 * font, 6, width - 3 * font - 6];
  const plot = {
    reach,
    x: (x) => left + (x / reach + 1) / 2 * side,
    y: (y) => top + (1 - y / reach) / 2 * side,
    point: (x, y) => [((x - left) / side * 2 - 1) * reach, (1 - (y - top) / side * 2) * reach],
  };
  const g = fitCanvas(canvas, width, top + side + 3 * font);
  g.font = `${font}px ${getComputedStyle(canvas).fontFamily}`;
  g.textBaseline = "middle";
  g.strokeStyle = colors.faint;
  g.lineWidth = 1;
  g.strokeRect(left, top, side, side);
  g.save();
  g.beginPath();
  g.rect(left, top, side, side);
  g.clip();
  drawField(g, plot, colors);
  for (const method in paths) {
    drawLine(g, paths[method].slice(0, now + 1).map(([x, y]) => [plot.x(x), plot.y(y)]), lineOf(method, colors), colors);
  }
  for (const method in paths) {
    const [x, y] = paths[method][now];
    if (Math.max(Math.abs(x), Math.abs(y)) < reach) drawMarker(g, MARKS[method], plot.x(x), plot.y(y), font * 0.42, colors);
  }
  g.strokeStyle = colors.ink;
  g.lineWidth = 2.5;
  g.stroke(new Path2D(`M ${plot.x(0) - 6} ${plot.y(0) - 6} l 12 12 m 0 -12 l -12 12`));
  write(g, "equilibrium", plot.x(0), plot.y(0) + 1.3 * font, colors, "center");
  write(g, "start", plot.x(start[0]), plot.y(start[1]) - 1.6 * font, colors, "center");
  g.restore();
  for (let tick = -Math.floor(reach); tick <= reach; tick += Math.ceil(reach / 3)) {
    write(g, `${tick}`.replace("-", "−"), plot.x(tick), top + side + font * 0.8, colors, "center");
    write(g, `${tick}`.replace("-", "−"), left - 5, plot.y(tick), colors, "right");
  }
  write(g, "x, descends on x·y", left + side / 2, top + side + font * 2.2, colors, "center");
  g.save();
  g.translate(font * 0.7, top + side / 2);
  g.rotate(-Math.PI / 2);
  write(g, "y, descends on −x·y", 0, 0, colors, "center");
  g.restore();
  return plot;
}

// Arrows: where the two players would go.
function drawField(g, plot, colors) {
  g.strokeStyle = colors.line;
  g.lineWidth = 1.5;
  g.setLineDash([]);
  for (let i = -3; i <= 3; i++) {
    for (let j = -3; j <= 3; j++) {
      const [x, y] = [0.3 * i * plot.reach, 0.3 * j * plot.reach];
      const [dx, dy] = [-0.09 * y, 0.09 * x];
      const [toX, toY] = [plot.x(x + dx), plot.y(y + dy)];
      const [u, v] = [plot.x(x) - toX, plot.y(y) - toY]; // back
      g.stroke(new Path2D(`M ${plot.x(x)} ${plot.y(y)} L ${toX} ${toY} m ${0.4 * (u - 0.6 * v)} ${0.4 * (v + 0.6 * u)}
        L ${toX} ${toY} l ${0.4 * (u + 0.6 * v)} ${0.4 * (v - 0.6 * u)}`));
    }
  }
}

// A line through points in pixels, up to the first that is far away.
function drawLine(g, points, [color, dash], colors) {
  const line = new Path2D();
  for (const [x, y] of points) {
    if (!(Math.abs(x) < 1e4 && Math.abs(y) < 1e4)) break;
    line.lineTo(x, y);
  }
  for (const [style, dashes, width] of [[colors.paper, [], 5], [color, dash, 2.5]]) {
    g.strokeStyle = style;
    g.setLineDash(dashes);
    g.lineWidth = width;
    g.stroke(line);
  }
}

// What the axis of the radius shows: all of them, but no more than three decades up and down from the first.
export function radiusRange(radii, first) {
  if (first === 0) return [0.1, 10];
  const seen = radii.flat().filter((r) => r > 0 && Number.isFinite(r));
  return [Math.max(Math.min(...seen) / 1.3, first / 1000), Math.min(Math.max(...seen) * 1.3, first * 1000)];
}

function drawRadii(canvas, paths, now, start) {
  const colors = theme(canvas);
  const width = canvas.parentElement.clientWidth;
  const font = 14;
  const [left, top, wide, high] = [3 * font, 1.8 * font, width - 11 * font, 170];
  const g = fitCanvas(canvas, width, top + high + 2.8 * font);
  g.font = `${font}px ${getComputedStyle(canvas).fontFamily}`;
  g.textBaseline = "middle";
  g.setLineDash([]);
  const radii = Object.fromEntries(Object.entries(paths).map(([method, points]) => [method, points.map(radius)]));
  const [low, top10] = radiusRange(Object.values(radii), radius(start));
  const steps = radii.simultaneous.length - 1;
  const x = (step) => left + wide * step / steps;
  const y = (r) => top + high * Math.log(top10 / r) / Math.log(top10 / low);
  write(g, "radius (log scale)", left, 0.8 * font, colors);
  g.strokeStyle = colors.faint;
  g.lineWidth = 1;
  g.strokeRect(left, top, wide, high);
  const fine = Math.log10(top10 / low) < 2 ? [1, 2, 5] : [1];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(top10); power++) {
    for (const tick of fine.map((digit) => digit * 10 ** power)) {
      if (tick >= low && tick <= top10) write(g, short(tick), left - 5, y(tick), colors, "right");
    }
  }
  for (const step of [0, Math.round(steps / 2), steps]) write(g, `${step}`, x(step), top + high + 0.8 * font, colors, "center");
  write(g, "step", left + wide / 2, top + high + 2.1 * font, colors, "center");
  const ends = [];
  g.save();
  g.beginPath();
  g.rect(left, top - 8, width, high + 16);
  g.clip();
  for (const [method, found] of Object.entries(radii)) {
    const shown = found.slice(0, now + 1).map((r, step) => [x(step), r > 0 ? y(r) : NaN]);
    drawLine(g, shown, lineOf(method, colors), colors);
    const at = shown.at(-1)[1];
    if (at >= top - 8 && at <= top + high + 8) drawMarker(g, MARKS[method], x(now), at, font * 0.42, colors);
    ends.push([clamp(Number.isFinite(at) ? at : top, top + 6, top + high - 6), method]);
  }
  g.restore();
  ends.sort((a, b) => a[0] - b[0]);
  const room = 1.3 * font; // between two names; those at the bottom push the others up
  ends.forEach((end, i) => { if (i) end[0] = Math.max(end[0], ends[i - 1][0] + room); });
  const over = Math.max(0, ends.at(-1)[0] - top - high);
  for (const [place, method] of ends) write(g, method, left + wide + 8, place - over, colors);
}

// Where the three are, in words.
function wordsOf(paths, now, lr) {
  const where = Object.entries(paths).map(([method, points]) => {
    const r = radius(points[now]);
    return `${method} ${r < 1e6 ? short(r) : "ran off"}`;
  });
  return `step ${now}, η ${short(lr)}: radius ${where.join(", ")}`;
}

export default { render };
