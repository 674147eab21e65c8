// Draws the landscape on a canvas, and says in words what it shows.

const COMPARED = ["joint", "staged", "alternating"]; // what plan "all" shows
const PLAN_WORDS = {
  joint: "joint", staged: "staged (theta first)", staged_phi_first: "staged (phi first)", alternating: "alternating",
  all: "all three, to compare",
};
const MARKERS = { joint: "circle", staged: "square", staged_phi_first: "square", alternating: "triangle" };
const GRID = 100; // cells a side

// Whether a box [left, top, right, bottom] lies in the plot and covers nothing in plot.taken.
function isFree(plot, [x1, y1, x2, y2]) {
  const inside = x1 > plot.left && x2 < plot.left + plot.side && y1 > plot.top && y2 < plot.top + plot.side;
  return inside && plot.taken.every(([u1, v1, u2, v2]) => x1 > u2 || x2 < u1 || y1 > v2 || y2 < v1);
}

// Words beside a point, the first of these ways ([1, -1] is to the right and up) on which they cover nothing in
// plot.taken, farther away if need be; with `link`, a thin line leads to them.
function writeNear(g, plot, words, [x, y], ways, colors, link = false) {
  const [w, h] = [g.measureText(words).width / 2 + 2, plot.font * 0.65];
  const places = [1, 2, 3, 4].flatMap((far) => ways.map(([dx, dy]) => {
    const [cx, cy] = [x + dx * (plot.font + w), y + dy * (1 + 0.5 * far) * plot.font];
    return [cx - w, cy - h, cx + w, cy + h];
  }));
  const [x1, y1, x2, y2] = places.find((box) => isFree(plot, box)) || places[0];
  plot.taken.push([x1, y1, x2, y2]);
  if (link) {
    g.strokeStyle = colors.ink;
    g.lineWidth = 1;
    g.setLineDash([]);
    g.stroke(new Path2D(`M ${x} ${y} L ${clamp(x, x1, x2)} ${clamp(y, y1, y2)}`));
  }
  write(g, words, (x1 + x2) / 2, (y1 + y2) / 2, colors, "center");
}

function take(plot, x, y, r) {
  plot.taken.push([x - r, y - r, x + r, y + r]);
}

function drawLock(g, x, y, size, colors) {
  g.setLineDash([]);
  g.lineWidth = 2;
  g.fillStyle = g.strokeStyle = colors.ink;
  g.fillRect(x - size / 2, y - size * 0.1, size, size * 0.75);
  g.beginPath();
  g.arc(x, y - size * 0.1, size * 0.32, Math.PI, 0);
  g.stroke();
}

// Shade by height, then contours; each third, ten times higher above the floor, is thick. Answers the thick ones' heights.
function drawSurface(g, plot, weight, colors) {
  const { values, low, high, levels } = sample(weight, plot.reach, GRID);
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
  const half = plot.side / GRID / 2;
  g.drawImage(shade, plot.left - half, plot.top - half, plot.side + 2 * half, plot.side + 2 * half);
  g.strokeStyle = colors.faint;
  g.setLineDash([]);
  levels.forEach((level, k) => {
    g.lineWidth = k % 3 ? 0.7 : 1.4;
    g.stroke(contour(values, GRID, level, plot.left, plot.top, plot.side / GRID));
  });
  return levels.filter((_, k) => k % 3 === 0);
}

// The heights of the thick contours, along the diagonal to the lower left, where nothing else is written.
function drawHeights(g, plot, weight, heights, colors) {
  for (const height of heights) {
    let t = plot.reach;
    while (t > 0 && objective(-t, -t, weight) > height) t -= plot.reach / 500;
    const [x, y, words] = [plot.x(-t), plot.y(-t), short(height)];
    const [w, h] = [g.measureText(words).width / 2, plot.font / 2];
    const box = [x - w, y - h, x + w, y + h];
    if (t <= 0 || !isFree(plot, box)) continue;
    write(g, words, x, y, colors, "center");
    plot.taken.push(box);
  }
}

// The frame with its numbers, and the names of the axes, each with a sample of its line, and a lock if it is frozen.
function drawAxes(g, plot, frozen, colors) {
  const { left, top, side, font, reach } = plot;
  const bottom = top + side;
  g.strokeStyle = colors.faint;
  g.lineWidth = 1;
  g.setLineDash([]);
  g.strokeRect(left, top, side, side);
  for (let tick = -Math.floor(reach); tick <= reach; tick += Math.ceil(reach / 5)) {
    write(g, `${tick}`.replace("-", "−"), plot.x(tick), bottom + font * 0.8, colors, "center");
    write(g, `${tick}`.replace("-", "−"), left - 6, plot.y(tick), colors, "right");
  }
  const names = [["theta", "θ (feature extractor)", LOOK.theta], ["phi", "φ (classifier)", LOOK.phi]];
  for (const [name, words, [color, dash]] of names) {
    g.save();
    if (name === "theta") g.translate(left + side / 2, bottom + font * 2.2);
    else g.translate(left - font * 2.3, top + side / 2);
    if (name === "phi") g.rotate(-Math.PI / 2);
    const width = g.measureText(words).width;
    write(g, words, 0, 0, colors, "center");
    g.lineWidth = 3;
    g.strokeStyle = color;
    g.setLineDash(dash);
    g.stroke(new Path2D(`M ${-width / 2 - 42} 0 h 34`));
    if (frozen.includes(name)) drawLock(g, width / 2 + font, 0, font * 0.9, colors);
    g.restore();
  }
}

// Where the task loss is 0, the lines to which freezing keeps the path, the saddle, the minima.
function drawMarks(g, plot, state, found, colors) {
  const { x, y, reach, font } = plot;
  const valley = new Path2D();
  for (const sign of [1, -1]) {
    for (let i = 0; i <= 60; i++) {
      const theta = TARGET / reach * (reach * reach / TARGET) ** (i / 60);
      valley[i ? "lineTo" : "moveTo"](x(sign * theta), y(sign * TARGET / theta));
    }
  }
  g.strokeStyle = colors.ink;
  g.lineWidth = 1.2;
  g.setLineDash([2, 4]);
  g.stroke(valley);
  if (state.frozen.includes("theta")) g.stroke(new Path2D(`M ${x(state.start[0])} ${plot.top} v ${plot.side}`));
  if (state.frozen.includes("phi")) g.stroke(new Path2D(`M ${plot.left} ${y(state.start[1])} h ${plot.side}`));
  if (found.length !== 1) {
    g.setLineDash([]);
    g.lineWidth = 2.5;
    g.stroke(new Path2D(`M ${x(0) - 6} ${y(0) - 6} l 12 12 m 0 -12 l -12 12`));
    take(plot, x(0), y(0), 6);
  }
  for (const [theta, phi] of found) {
    drawMarker(g, "star", x(theta), y(phi), font * 0.55, colors);
    take(plot, x(theta), y(phi), font * 0.7);
  }
}

// A step in which θ alone moves has the look of θ, one of φ alone that of φ; where both move the line is the ink's.
function drawPath(g, plot, points, shape, colors) {
  const lines = { both: new Path2D(), theta: new Path2D(), phi: new Path2D() };
  const all = new Path2D();
  const every = points.length > 20 ? 5 * Math.ceil(points.length / 150) : 1;
  const marks = [];
  let last = "";
  for (let i = 1; i < points.length; i++) {
    const [from, to] = [points[i - 1], points[i]];
    if (!to.every((x) => Math.abs(x) < 20 * plot.reach)) break;
    const kind = from[1] === to[1] ? "theta" : from[0] === to[0] ? "phi" : "both";
    const [x, y] = [plot.x(to[0]), plot.y(to[1])];
    if (kind !== last) lines[kind].moveTo(plot.x(from[0]), plot.y(from[1]));
    lines[kind].lineTo(x, y);
    last = kind;
    if (i % every === 0 && marks.every(([u, v]) => Math.hypot(u - x, v - y) > plot.font)) marks.push([x, y]);
  }
  for (const line of Object.values(lines)) all.addPath(line);
  const strokes = [[all, colors.paper, [], 6], [lines.both, colors.ink, [], 3]];
  strokes.push([lines.theta, ...LOOK.theta, 3], [lines.phi, ...LOOK.phi, 3]);
  for (const [line, color, dash, width] of strokes) {
    g.strokeStyle = color;
    g.setLineDash(dash);
    g.lineWidth = width;
    g.stroke(line);
  }
  for (const [x, y] of marks) {
    drawMarker(g, shape, x, y, plot.font * 0.3, colors);
    take(plot, x, y, plot.font * 0.35);
  }
}

// The names: of the start, the saddle and the minima, and J at the end of each path.
function drawNames(g, plot, state, found, ends, colors) {
  const at = ([theta, phi]) => [plot.x(theta), plot.y(phi)];
  const inside = (point) => point.every((u) => Math.abs(u) < plot.reach);
  const beside = [[-1, 0], [1, 0], [0, 1], [0, -1]];
  const shown = ends.filter(({ point }) => inside(point));
  for (const { plan, point } of shown) {
    const r = plot.font * 0.42;
    drawMarker(g, state.frozen.length ? "diamond" : MARKERS[plan], ...at(point), r, colors);
    take(plot, ...at(point), r);
  }
  take(plot, ...at(state.start), 11);
  const tip = [TARGET / plot.reach, plot.reach];
  writeNear(g, plot, "φ·θ = 1", at(tip), [[1, 1], [-1, 1]], colors);
  writeNear(g, plot, "start", at(state.start), [[0, 1], [0, -1], [-1, 0], [1, 0]], colors);
  if (found.length !== 1) writeNear(g, plot, "saddle", at([0, 0]), [[0, 1], [0, -1]], colors);
  const name = found.length === 1 ? "the only minimum" : "minimum";
  for (const point of found.filter(inside)) writeNear(g, plot, name, at(point), beside, colors);
  for (const { plan, point, J } of shown) {
    const words = `${state.plan === "all" ? `${plan}: ` : ""}J ${short(J)}`;
    writeNear(g, plot, words, at(point), [[1, -1], [1, 1], [-1, -1], [-1, 1]], colors, true);
  }
}

// The whole picture; answers its geometry and the end of each path.
function draw(canvas, state, reach) {
  const colors = theme(canvas);
  const width = canvas.parentElement.clientWidth;
  const font = clamp(width / 36, 13, 18);
  const left = 3.1 * font;
  const plot = { left, top: 6, side: width - left - 6, font, reach, taken: [] };
  plot.x = (theta) => plot.left + (theta / reach + 1) / 2 * plot.side;
  plot.y = (phi) => plot.top + (1 - phi / reach) / 2 * plot.side;
  const g = fitCanvas(canvas, width, plot.top + plot.side + 3.1 * font);
  g.font = `${font}px ${getComputedStyle(canvas).fontFamily}`;
  g.textBaseline = "middle";
  const plans = state.plan === "all" ? COMPARED : [state.plan];
  const paths = plans.map((plan) => path(state, plan));
  g.save();
  g.beginPath();
  g.rect(plot.left, plot.top, plot.side, plot.side);
  g.clip();
  const heights = drawSurface(g, plot, state.weight, colors);
  const found = minima(state.weight);
  drawMarks(g, plot, state, found, colors);
  paths.forEach((points, i) => drawPath(g, plot, points, state.frozen.length ? "diamond" : MARKERS[plans[i]], colors));
  const ends = paths.map((points, i) => {
    const point = points[points.length - 1];
    return { plan: plans[i], point, J: objective(...point, state.weight) };
  });
  drawNames(g, plot, state, found, ends, colors);
  drawHeights(g, plot, state.weight, heights, colors);
  g.restore();
  drawAxes(g, plot, state.frozen, colors);
  return { plot, ends };
}

// What the paths did, in words.
function wordsOf(state, ends) {
  const held = state.frozen.length ? `, ${state.frozen.join(" and ")} frozen` : "";
  const where = ({ point: [theta, phi], J }) => Number.isFinite(J) && J < 1e6
    ? `theta ${two(theta)}, phi ${two(phi)}, J ${short(J)}` : "ran off (the learning rate is too large)";
  const [name, detail] = PLAN_WORDS[ends[0].plan].split(" (");
  const order = detail ? ` (${detail}` : "";
  if (ends.length === 1) return `after ${state.steps} ${name} steps${order}${held}: ${where(ends[0])}`;
  return `after ${state.steps} steps${held}: ${ends.map((end) => `${end.plan}: ${where(end)}`).join("; ")}`;
}

// The minima, in words.
function wordsOfMinima(weight) {
  const found = minima(weight);
  if (found.length === 1) return "The only minimum is the origin: both factors are 0.";
  if (found.length === 2) return `Minima: ±(${two(found[0][0])}, ${two(found[0][1])}).`;
  return both(weight).every((x) => x === 0) ? "Every point with φ·θ = 1 is a minimum."
    : "No minimum: J falls for ever along the valley, as the factor without a weight grows.";
}

function formula(weight) {
  const [a, b] = both(weight).map(short);
  const regularizer = Array.isArray(weight) ? `½·${a}·θ² + ½·${b}·φ²` : `½·${a}·(θ² + φ²)`;
  return `J = ½(φ·θ − 1)² + ${regularizer}`;
}
