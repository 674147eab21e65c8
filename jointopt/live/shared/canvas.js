// What is drawn on a canvas, in CSS pixels.

import { theme } from "./look.js";

// A little smaller than the words around it, whose size is --jo-type.
export const typeOf = (canvas) => Math.round(0.89 * parseFloat(getComputedStyle(canvas).fontSize));
export const fontOf = (canvas, size) => `${size}px ${getComputedStyle(canvas).fontFamily}`;

// A clean canvas, sharp on every screen, with type of this size: its drawing context and the theme's colors.
export function sheet(canvas, width, height, font) {
  const scale = window.devicePixelRatio || 1;
  canvas.style.height = `${height}px`;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const g = canvas.getContext("2d");
  g.setTransform(scale, 0, 0, scale, 0, 0);
  g.clearRect(0, 0, width, height);
  g.font = fontOf(canvas, font);
  g.textBaseline = "middle";
  return { g, colors: theme(canvas) };
}

// A path, or what "d" would say of one in SVG.
export function stroke(g, path, color, width = 1, dash = []) {
  [g.strokeStyle, g.lineWidth] = [color, width];
  g.setLineDash(dash);
  g.stroke(typeof path === "string" ? new Path2D(path) : path);
}

// A path through points; the pen is lifted where one is far away or not a number.
export function through(points) {
  const path = new Path2D();
  let up = true;
  for (const [x, y] of points) {
    const far = !(Math.abs(x) < 1e4 && Math.abs(y) < 1e4);
    if (!far) path[up ? "moveTo" : "lineTo"](x, y);
    up = far;
  }
  return path;
}

// Draw within a rectangle only.
export function within(g, [x, y, width, height], draw) {
  g.save();
  g.beginPath();
  g.rect(x, y, width, height);
  g.clip();
  draw();
  g.restore();
}

// Words with a halo, so that they can be read on top of lines.
export function write(g, words, x, y, colors, align = "left") {
  g.textAlign = align;
  g.setLineDash([]);
  [g.lineJoin, g.lineWidth, g.strokeStyle, g.fillStyle] = ["round", 4, colors.paper, colors.ink];
  g.strokeText(words, x, y);
  g.fillText(words, x, y);
}

export function drawMarker(g, shape, x, y, r, colors) {
  const corners = { square: [4, 45, 1.2], triangle: [3, -90, 1.35], diamond: [4, 0, 1.3], star: [10, -90, 1.5] }[shape];
  const outline = new Path2D();
  if (!corners) outline.arc(x, y, r, 0, 7);
  for (let i = 0; corners && i < corners[0]; i++) {
    const angle = (corners[1] + i * 360 / corners[0]) * Math.PI / 180;
    const size = r * corners[2] * (shape === "star" && i % 2 ? 0.45 : 1);
    outline.lineTo(x + size * Math.cos(angle), y + size * Math.sin(angle));
  }
  outline.closePath();
  g.fillStyle = colors.paper;
  g.fill(outline);
  stroke(g, outline, colors.ink, 2);
}

// What is frozen has its color, hatched.
export function hatch(g, x, y, width, height, color) {
  within(g, [x, y, width, height], () => {
    [g.fillStyle, g.globalAlpha] = [color, 0.35];
    g.fillRect(x, y, width, height);
    g.globalAlpha = 1;
    let [lines, at] = ["", 7 * Math.floor((x - height) / 7)];
    for (; at < x + width; at += 7) lines += `M ${at} ${y + height} l ${height} ${-height}`;
    stroke(g, lines, color, 2);
  });
}

export function drawLock(g, x, y, size, color) {
  g.fillStyle = color;
  g.fillRect(x - size / 2, y - size * 0.1, size, size * 0.75);
  const r = size * 0.32;
  stroke(g, `M ${x - r} ${y - size * 0.1} a ${r} ${r} 0 0 1 ${2 * r} 0`, color, 2);
}
