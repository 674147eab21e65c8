// How numbers are written and read, and what lies on an axis. Nothing here needs a page.

export const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
export const two = (x) => x.toFixed(2).replace("-", "−");

// A number as a person writes it: three significant digits, no exponent where a few zeros do.
export function short(value) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-4) return value.toExponential(1).replace("e+", "e");
  return String(Number(value.toPrecision(3)));
}

// The number that a text says in decimal notation, else NaN. Number alone would take "0x10" for 16 and make 0 of
// 1e-400, which is not what was meant.
export function decimal(text) {
  const value = Number(text);
  const isDecimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim());
  const vanished = value === 0 && /[1-9]/.test(text.split(/e/i)[0]);
  return isDecimal && Number.isFinite(value) && !vanished ? value : NaN;
}

// A share as the status line writes it: two digits, and no exponent.
export function percent(share) {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  return `${share < 0.995 ? Number((100 * share).toPrecision(2)) : Math.round(100 * share)} %`;
}

// λ on a logarithmic slider: position 0 is λ = 0, then equal factors from 10^low to 10^high.
export function weightScale(low, high, perDecade) {
  const top = (high - low) * perDecade + 1;
  return {
    top,
    value: (position) => (position <= 0 ? 0 : Number((10 ** (low + (position - 1) / perDecade)).toPrecision(3))),
    position: (value) =>
      value <= 0 ? 0 : Math.min(top, Math.max(1, Math.round((Math.log10(value) - low) * perDecade) + 1)),
  };
}

// The numbers on an axis from low to high, with about `parts` gaps, each one of the digits times a power of ten. On a
// log scale: at most five powers of ten, and where there are not two, 1, 2 and 5 times them.
export function ticks(low, high, { log = false, parts = 4, digits = [1, 2, 2.5, 5, 10] } = {}) {
  if (!log) {
    const rough = (high - low) / parts, decade = 10 ** Math.floor(Math.log10(rough));
    const gap = decade * digits.find((m) => m * decade >= rough);
    const all = Array.from({ length: parts + 3 }, (_, i) => (Math.ceil(low / gap) + i) * gap);
    return all.filter((v) => v <= high * 1.0001);
  }
  const all = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++)
    for (const m of [1, 2, 5]) if (m * 10 ** e >= low * 0.999 && m * 10 ** e <= high * 1.001) all.push(m * 10 ** e);
  const decades = all.filter((v) => Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-9);
  const few = decades.length >= 2 ? decades : all;
  return few.filter((_, i) => i % Math.ceil(few.length / 5) === 0);
}

// Labels for what is numbered 1, 2, 3, … at these positions, from left to right: those that would touch share one,
// as in "2–4". width: of a character.
export function sharedLabels(positions, width) {
  const labels = [];
  for (let i = 0; i < positions.length; i++) {
    let label = { first: i, last: i };
    const set = ({ first, last }) => {
      const text = first === last ? `${first + 1}` : `${first + 1}–${last + 1}`;
      return { first, last, text, x: (positions[first] + positions[last]) / 2, half: width * text.length / 2 };
    };
    label = set(label);
    while (labels.length && labels.at(-1).x + labels.at(-1).half + width / 2 > label.x - label.half)
      label = set({ first: labels.pop().first, last: label.last });
    labels.push(label);
  }
  return labels.map(({ text, x }) => ({ text, x }));
}

// Of positions in order: is each at least `gap` away from the last one that is?
export function apart(positions, gap) {
  let last = Infinity;
  return positions.map((position) => {
    const far = Math.abs(position - last) >= gap;
    if (far) last = position;
    return far;
  });
}

// Positions moved apart to `gap` at least: each down where it would touch the one above, those past `bottom` up again.
export function spread(positions, gap, bottom) {
  const moved = [...positions], order = [...positions.keys()].sort((a, b) => positions[a] - positions[b]);
  order.forEach((k, i) => { if (i) moved[k] = Math.max(moved[k], moved[order[i - 1]] + gap); });
  order.reduceRight((limit, k) => {
    moved[k] = Math.min(moved[k], limit);
    return moved[k] - gap;
  }, bottom);
  return moved;
}

// True if a box [left, top, right, bottom] lies within the frame and covers none of the occupied boxes.
export function isFree([left, top, right, bottom], frame, occupied) {
  const inside = left > frame[0] && top > frame[1] && right < frame[2] && bottom < frame[3];
  return inside && occupied.every((box) => left > box[2] || right < box[0] || top > box[3] || bottom < box[1]);
}
