// Draws the landscape on a canvas, and says in words what it shows.

const COMPARED = ["joint", "staged", "alternating"]; // what plan "all" shows
const PLAN_WORDS = {
  joint: "joint", staged: "staged (theta first)", staged_phi_first: "staged (phi first)", alternating: "alternating",
  all: "all three, to compare",
};
const MARKERS = { joint: "circle", staged: "square", staged_phi_first: "square", alternating: "triangle" };
const GRID = 128;

const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

// Words with a halo, so that they can be read on top of lines.
function write(g, words, x, y, colors, align = "left") {
  g.textAlign = align;
  g.setLineDash([]);
  g.lineJoin = "round";
  g.lineWidth = 4;
  g.strokeStyle = colors.paper;
  g.strokeText(words, x, y);
  g.fillStyle = colors.ink;
  g.fillText(words, x, y);
}

function drawMarker(g, shape, x, y, r, colors) {
  const corners = { square: [4, 45, 1.2], triangle: [3, -90, 1.35], diamond: [4, 0, 1.3], star: [10, -90, 1.5] }[shape];
  g.beginPath();
  if (!corners) g.arc(x, y, r, 0, 7);
  for (let i = 0; corners && i < corners[0]; i++) {
    const angle = (corners[1] + i * 360 / corners[0]) * Math.PI / 180;
    const size = r * corners[2] * (shape === "star" && i % 2 ? 0.45 : 1);
    g.lineTo(x + size * Math.cos(angle), y + size * Math.sin(angle));
  }
  g.closePath();
  g.setLineDash([]);
  g.lineWidth = 2;
  g.fillStyle = colors.paper;
  g.strokeStyle = colors.ink;
  g.fill();
  g.stroke();
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

// Shade by height, then contours: each third one, a factor of ten above the floor, is thicker and numbered.
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
  for (let k = 3; k < levels.length; k += 3) { // numbers along the diagonal to the lower left
    let t = plot.reach;
    while (t > 0 && objective(-t, -t, weight) > levels[k]) t -= plot.reach / 500;
    if (t > 0 && t < 0.92 * plot.reach) write(g, short(levels[k]), plot.x(-t), plot.y(-t), colors, "center");
  }
}

// The frame with its numbers, and the names of the axes: a sample of the line each name has, and a lock if it is frozen.
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
    g.translate(left + side / 2, bottom + font * 2.2);
    if (name === "phi") { g.setTransform(g.getTransform().translate(-side / 2 - font * 2.3, -font * 2.2 - side / 2).rotate(-90)); }
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

// Where task loss is 0, the saddle or the collapsed minimum at the origin, the minima, and the lines that freezing leaves.
function drawMarks(g, plot, state, colors) {
  const { reach, font } = plot;
  const valley = new Path2D();
  for (const sign of [1, -1]) {
    for (let i = 0; i <= 60; i++) {
      const theta = TARGET / reach * (reach * reach / TARGET) ** (i / 60);
      valley[i ? "lineTo" : "moveTo"](plot.x(sign * theta), plot.y(sign * TARGET / theta));
    }
  }
  g.strokeStyle = colors.ink;
  g.lineWidth = 1.2;
  g.setLineDash([2, 4]);
  g.stroke(valley);
  if (state.frozen.includes("theta")) g.stroke(new Path2D(`M ${plot.x(state.start[0])} ${plot.top} v ${plot.side}`));
  if (state.frozen.includes("phi")) g.stroke(new Path2D(`M ${plot.left} ${plot.y(state.start[1])} h ${plot.side}`));
  write(g, "φ·θ = 1", plot.x(TARGET / reach) + font * 0.9, plot.top + font, colors);
  write(g, "start", plot.x(state.start[0]), plot.y(state.start[1]) + font * 0.8 + 12, colors, "center");
  const found = minima(state.weight);
  const [x0, y0] = [plot.x(0), plot.y(0)];
  if (found.length !== 1) {
    write(g, "saddle", x0, y0 + font * 1.2, colors, "center");
    g.strokeStyle = colors.ink;
    g.lineWidth = 2.5;
    g.stroke(new Path2D(`M ${x0 - 6} ${y0 - 6} l 12 12 m 0 -12 l -12 12`));
  }
  for (const [theta, phi] of found) { // named on the side that looks to the middle: there is always room
    const [x, y, side] = [plot.x(theta), plot.y(phi), theta > 0 ? -1 : 1];
    drawMarker(g, "star", x, y, font * 0.55, colors);
    write(g, found.length === 1 ? "the only minimum" : "minimum", x + side * font, y, colors, side < 0 ? "right" : "left");
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
  for (const [x, y] of marks) drawMarker(g, shape, x, y, plot.font * 0.3, colors);
}

// A name at the end of each path, on the side away from the start. Where ends are close the names are stacked, and a
// thin line leads to each.
function drawEnds(g, plot, ends, state, colors) {
  const startY = plot.y(state.start[1]);
  const shown = ends.filter((end) => end.point.every((x) => Math.abs(x) < plot.reach))
    .map((end) => ({ ...end, x: plot.x(end.point[0]), y: plot.y(end.point[1]) }));
  for (const way of [-1, 1]) { // up, down
    let taken = -Infinity;
    const side = shown.filter(({ y }) => (y > startY) === (way > 0)).sort((one, other) => way * (one.y - other.y));
    for (const { plan, J, x, y } of side) {
      const words = `${state.plan === "all" ? `${plan}: ` : ""}J ${short(J)}`;
      const width = g.measureText(words).width;
      const at = Math.min(x + plot.font * 1.1, plot.left + plot.side - width - 6);
      const line = way * Math.max(way * y + plot.font * 1.5, taken);
      taken = way * line + plot.font * 1.4;
      g.strokeStyle = colors.ink;
      g.lineWidth = 1;
      g.setLineDash([]);
      g.stroke(new Path2D(`M ${x} ${y} L ${clamp(x, at, at + width)} ${line}`));
      drawMarker(g, state.frozen.length ? "diamond" : MARKERS[plan], x, y, plot.font * 0.42, colors);
      write(g, words, at, line, colors);
    }
  }
}

// The whole picture; answers its geometry and the end of each path.
function draw(canvas, state, reach) {
  const colors = theme(canvas);
  const width = canvas.parentElement.clientWidth;
  const font = clamp(width / 36, 13, 18);
  const left = 3.1 * font;
  const plot = { left, top: 6, side: width - left - 6, font, reach };
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
  drawSurface(g, plot, state.weight, colors);
  drawMarks(g, plot, state, colors);
  paths.forEach((points, i) => drawPath(g, plot, points, state.frozen.length ? "diamond" : MARKERS[plans[i]], colors));
  const ends = paths.map((points, i) => {
    const point = points[points.length - 1];
    return { plan: plans[i], point, J: objective(...point, state.weight) };
  });
  drawEnds(g, plot, ends, state, colors);
  g.restore();
  drawAxes(g, plot, state.frozen, colors);
  return { plot, ends };
}

const two = (x) => x.toFixed(2).replace("-", "−");

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
  return `J = ½(φ·θ − 1)² + ${Array.isArray(weight) ? `½·${a}·θ² + ½·${b}·φ²` : `½·${a}·(θ² + φ²)`}`;
}
