// A view of a plane of two numbers, with a start point that is moved.

import { sheet, stroke, within, write } from "./canvas.js";
import { clamp, isFree, short, ticks, two } from "./numbers.js";
import { movable } from "./page.js";
import { simpleView } from "./view.js";

const MAX_START = 10;
const MAX_STEPS = 2000;

// An empty plane from -reach to reach on both axes: how it is drawn on, and where its points are in pixels.
export function emptyPlane(canvas, reach) {
  const width = canvas.parentElement.clientWidth;
  const font = clamp(width / 36, 13, 17);
  const [left, top, side] = [3.4 * font, 6, width - 3.4 * font - 6];
  return {
    ...sheet(canvas, width, top + side + 3.1 * font, font), reach, font, left, top, side,
    occupied: [], // boxes in pixels on which no words are to stand
    at: ([u, v]) => [left + (u / reach + 1) / 2 * side, top + (1 - v / reach) / 2 * side],
    point: (x, y) => [((x - left) / side * 2 - 1) * reach, (1 - (y - top) / side * 2) * reach],
    within(draw) { within(this.g, [left, top, side, side], draw); },
    occupy([x, y], r) { this.occupied.push([x - r, y - r, x + r, y + r]); },
  };
}

// The frame with its numbers, and the names of the axes, each with an end that may draw more beside it.
export function drawAxes({ g, colors, font, left, top, side, reach, at }, names, more = () => {}) {
  const bottom = top + side;
  stroke(g, `M ${left} ${top} h ${side} v ${side} h ${-side} z`, colors.faint);
  for (const tick of ticks(-reach, reach, { parts: 8, digits: [1, 2, 5, 10] })) {
    const [words, [x, y]] = [short(tick).replace("-", "−"), at([tick, tick])];
    write(g, words, x, bottom + font * 0.8, colors, "center");
    write(g, words, left - 6, y, colors, "right");
  }
  names.forEach((words, i) => {
    g.save();
    if (i === 0) g.translate(left + side / 2, bottom + font * 2.2);
    else g.translate(left - font * 2.8, top + side / 2);
    g.rotate(i * -Math.PI / 2);
    write(g, words, 0, 0, colors, "center");
    more(i, g.measureText(words).width / 2);
    g.restore();
  });
}

export function drawCross({ g, colors }, [x, y]) {
  stroke(g, `M ${x - 6} ${y - 6} l 12 12 m 0 -12 l -12 12`, colors.ink, 2.5);
}

// Words beside a point, the first of these ways ([1, -1] is to the right and up) on which they cover no box that is
// occupied, farther away if need be; with `link`, a thin line leads to them.
export function writeNear(plot, words, [x, y], ways, link = false) {
  const { g, colors, font, left, top, side, occupied } = plot;
  const [w, h] = [g.measureText(words).width / 2 + 2, font * 0.65];
  const boxes = [1, 2, 3, 4].flatMap((far) => ways.map(([dx, dy]) => {
    const [cx, cy] = [x + dx * (font + w), y + dy * (1 + 0.5 * far) * font];
    return [cx - w, cy - h, cx + w, cy + h];
  }));
  const [x1, y1, x2, y2] = boxes.find((box) => isFree(box, [left, top, left + side, top + side], occupied)) || boxes[0];
  occupied.push([x1, y1, x2, y2]);
  if (link) stroke(g, `M ${x} ${y} L ${clamp(x, x1, x2)} ${clamp(y, y1, y2)}`, colors.ink);
  write(g, words, (x1 + x2) / 2, (y1 + y2) / 2, colors, "center");
}

// A view whose picture is a plane. `make` of simpleView answers besides:
//   reach(start)     how far the plane goes;  limit(reach): how far the pointer may move the start
//   draw(reach) -> { plot, label, words, data }
export function planeView(context, { axes, make, ...view }) {
  return simpleView(context, { ...view, make: (parts) => withStart(parts, axes, make(parts)) });
}

// A view's own part, with a start that is moved and a number of steps.
function withStart({ find, canvas, state, change, ask }, axes, own) {
  canvas.insertAdjacentHTML("afterend", `<div class="handle" tabindex="0" role="slider" aria-label="start point"
    aria-valuemin="${-MAX_START}" aria-valuemax="${MAX_START}"
    title="Drag, or arrow keys (with Shift: larger steps)"></div>`);
  const handle = find(".handle");
  let plot = null;
  const put = (point, limit) => change({ start: point.map((u) => Number(clamp(u, -limit, limit).toFixed(2))) });
  const dragged = movable(canvas, handle, {
    at: () => plot.at(state.start),
    place: (x, y) => put(plot.point(x, y), Math.min(MAX_START, own.limit(plot.reach))),
    push: (by) => put(by.map((d, i) => state.start[i] + d), MAX_START),
    ended: ask,
  });
  function draw() {
    const drawn = own.draw(dragged() ? plot.reach : own.reach(state.start));
    plot = drawn.plot;
    const [[x, y], from] = [plot.at(state.start), axes.map((axis, i) => `${axis} ${two(state.start[i])}`).join(", ")];
    [handle.style.left, handle.style.top] = [`${x}px`, `${y}px`];
    handle.setAttribute("aria-valuenow", state.start[0]);
    handle.setAttribute("aria-valuetext", from);
    return { ...drawn, label: `${drawn.label} From ${from}:` };
  }
  const starts = axes.map((axis, i) => [`start ${axis}`, {
    shown: () => state.start[i],
    change: (u) => ({ start: state.start.map((v, k) => (k === i ? u : v)) }),
    valid: (u) => Math.abs(u) <= MAX_START,
    expected: `start ${axis}: a number from -${MAX_START} to ${MAX_START}`,
  }]);
  const steps = {
    valid: (n) => Number.isInteger(n) && n >= 1 && n <= MAX_STEPS,
    expected: `steps: a whole number from 1 to ${MAX_STEPS}`,
  };
  return { ...own, draw, fields: { ...own.fields, ...Object.fromEntries(starts), steps } };
}
