// What the landscape shows, in words.

import { short, two } from "../shared/numbers.js";
import { both, minima } from "./math.js";

export const PLAN_WORDS = {
  joint: "joint", staged: "staged (theta first)", staged_phi_first: "staged (phi first)", alternating: "alternating",
  all: "all three, to compare",
};

// What the paths did.
export function wordsOf(state, ends) {
  const held = state.frozen.length ? `, ${state.frozen.join(" and ")} frozen` : "";
  const where = ({ point: [theta, phi], J }) => Number.isFinite(J) && J < 1e6
    ? `theta ${two(theta)}, phi ${two(phi)}, J ${short(J)}` : "ran off (the learning rate is too large)";
  const all = ends.map((end) => `${end.plan}: ${where(end)}`).join("; ");
  if (ends.length > 1) return `after ${state.steps} steps${held}: ${all}`;
  const [name, detail] = PLAN_WORDS[ends[0].plan].split(" (");
  const order = detail ? ` (${detail}` : "";
  return `after ${state.steps} ${name} steps${order}${held}: ${where(ends[0])}`;
}

export function wordsOfMinima(weight) {
  const lowest = minima(weight);
  if (lowest.length === 1) return "The only minimum is the origin: both factors are 0.";
  if (lowest.length === 2) return `Minima: ±(${two(lowest[0][0])}, ${two(lowest[0][1])}).`;
  return both(weight).every((x) => x === 0) ? "Every point with φ·θ = 1 is a minimum."
    : "No minimum: J falls for ever along the valley, as the factor without a weight grows.";
}

export function formula(weight) {
  const [a, b] = both(weight).map(short);
  const regularizer = Array.isArray(weight) ? `½·${a}·θ² + ½·${b}·φ²` : `½·${a}·(θ² + φ²)`;
  return `J = ½(φ·θ − 1)² + ${regularizer}`;
}
