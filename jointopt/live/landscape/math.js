// The smallest pipeline there is, y = φ·θ·x: J, its minima, its contours, and gradient descent.
// jointopt/toys/landscape.py has the same arithmetic, and a browser test compares the two.

export const TARGET = 1; // the product φ·θ that fits the data

// Who moves at step i of n: [θ, φ].
const MOVES = {
  joint: () => [true, true],
  alternating: (i) => [i % 2 === 0, i % 2 === 1],
  staged: (i, n) => [2 * i < n, 2 * i >= n],
  staged_phi_first: (i, n) => [2 * i >= n, 2 * i < n],
};

// weight: one λ, or the pair [λ_θ, λ_φ].
export function both(weight) {
  return Array.isArray(weight) ? weight : [weight, weight];
}

export function objective(theta, phi, weight) {
  const [a, b] = both(weight);
  const misfit = phi * theta - TARGET;
  return 0.5 * misfit * misfit + 0.5 * a * theta * theta + 0.5 * b * phi * phi;
}

// Gradient descent: steps + 1 points [θ, φ].
export function path({ start, lr, steps, weight, frozen }, plan) {
  const [a, b] = both(weight);
  let [theta, phi] = start;
  const points = [[theta, phi]];
  for (let i = 0; i < steps; i++) {
    const [moveTheta, movePhi] = MOVES[plan](i, steps);
    const misfit = phi * theta - TARGET;
    const [slopeTheta, slopePhi] = [misfit * phi + a * theta, misfit * theta + b * phi];
    if (moveTheta && !frozen.includes("theta")) theta -= lr * slopeTheta;
    if (movePhi && !frozen.includes("phi")) phi -= lr * slopePhi;
    points.push([theta, phi]);
  }
  return points;
}

// The isolated minima: two, or the origin alone, or none.
export function minima(weight) {
  const [a, b] = both(weight);
  const product = Math.max(TARGET - Math.sqrt(a) * Math.sqrt(b), 0);
  if (product === 0) return [[0, 0]];
  if (a === 0 || b === 0) return [];
  const ratio = Math.sqrt(Math.sqrt(b) / Math.sqrt(a));
  const point = [Math.sqrt(product) * ratio, Math.sqrt(product) / ratio];
  return [point, point.map((x) => -x)];
}

// J on a grid of (N + 1)² points over [-reach, reach]², row by row from the top; its least and greatest value; levels,
// each third of which is ten times higher above the least.
export function sample(weight, reach, N) {
  const values = new Float64Array((N + 1) * (N + 1));
  const at = (i) => (2 * i / N - 1) * reach;
  for (let row = 0, k = 0; row <= N; row++) {
    for (let column = 0; column <= N; column++) values[k++] = objective(at(column), at(N - row), weight);
  }
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) { if (v < low) low = v; if (v > high) high = v; }
  const levels = [];
  for (let k = 0; k < 40 && low + 0.01 * 10 ** (k / 3) < high; k++) levels.push(low + 0.01 * 10 ** (k / 3));
  return { values, low, high, levels };
}

// Marching squares: the pieces [x1, y1, x2, y2] of the lines on which the grid has this level, in cells from the top
// left.
export function contour(values, N, level) {
  const pieces = [];
  const width = N + 1;
  const cut = (from, to) => (level - from) / (to - from);
  for (let row = 0; row < N; row++) {
    for (let column = 0; column < N; column++) {
      const k = row * width + column;
      const [a, b, c, d] = [values[k], values[k + 1], values[k + width + 1], values[k + width]]; // clockwise
      const ends = [];
      if ((a > level) !== (b > level)) ends.push([column + cut(a, b), row]);
      if ((b > level) !== (c > level)) ends.push([column + 1, row + cut(b, c)]);
      if ((c > level) !== (d > level)) ends.push([column + 1 - cut(c, d), row + 1]);
      if ((d > level) !== (a > level)) ends.push([column, row + 1 - cut(d, a)]);
      // On a saddle four ends meet; the value in the middle says which belong together.
      if (ends.length === 4 && ((a + b + c + d) / 4 > level) !== (a > level)) ends.push(ends.shift());
      for (let i = 0; i < ends.length; i += 2) pieces.push([...ends[i], ...ends[i + 1]]);
    }
  }
  return pieces;
}
