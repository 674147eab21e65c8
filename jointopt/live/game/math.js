// The game min_x max_y x·y. jointopt/toys/game.py has the same arithmetic, and a browser test compares the two.

// From (x, y), one step of size lr.
export const METHODS = {
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

export const radius = ([x, y]) => Math.hypot(x, y);

// The plane is shown from minus this to this.
export const reachOf = (start) => Math.max(2.5, 2 * radius(start));

// What the axis of the radius shows: all of them, but no more than three decades up and down from the first.
export function radiusRange(radii, first) {
  if (first === 0) return [0.1, 10];
  const seen = radii.flat().filter((r) => r > 0 && Number.isFinite(r));
  return [Math.max(Math.min(...seen) / 1.3, first / 1000), Math.min(Math.max(...seen) * 1.3, first * 1000)];
}
