// What every view shares. Put in front of each front end by widget.py.

// One look for one idea, the same as in figures.py: [color, canvas dash].
const LOOK = {
  theta: ["#0072B2", []],
  phi: ["#D55E00", [8, 4]],
  reg: ["#009E73", [8, 3, 2, 3]],
  heldOut: ["#CC79A7", [2, 3]],
};
// Further modules and losses, in this order.
const MORE_LOOKS = [["#E69F00", [12, 3]], ["#56B4E9", [3, 3]], ["#CC79A7", [6, 2, 2, 2]], ["#F0E442", [1, 2]]];

// JupyterLab gives its colors as CSS variables; elsewhere the fallbacks hold.
function theme(el) {
  const css = getComputedStyle(el);
  const get = (name, fallback) => css.getPropertyValue(name).trim() || fallback;
  return {
    ink: get("--jo-ink", "#111"),
    faint: get("--jo-faint", "#777"),
    line: get("--jo-line", "#bbb"),
    paper: get("--jo-paper", "#fff"),
  };
}

// Redraw when JupyterLab switches between light and dark, or when the view's width changes.
function onLookChange(el, redraw) {
  const sizes = new ResizeObserver(redraw);
  sizes.observe(el);
  const themes = new MutationObserver(redraw);
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  return () => { sizes.disconnect(); themes.disconnect(); };
}

// A canvas that is sharp on every screen: sizes in CSS pixels, drawn at the device's resolution.
function fitCanvas(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  canvas.style.height = `${height}px`;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const g = canvas.getContext("2d");
  g.setTransform(scale, 0, 0, scale, 0, 0);
  g.clearRect(0, 0, width, height);
  return g;
}

// What is frozen has its color, hatched.
function hatch(g, x, y, width, height, color) {
  g.save();
  g.beginPath();
  g.rect(x, y, width, height);
  g.clip();
  [g.fillStyle, g.strokeStyle, g.lineWidth, g.globalAlpha] = [color, color, 2, 0.35];
  g.fillRect(x, y, width, height);
  g.globalAlpha = 1;
  g.beginPath();
  for (let at = 7 * Math.floor((x - height) / 7); at < x + width; at += 7) {
    g.moveTo(at, y + height);
    g.lineTo(at + height, y);
  }
  g.stroke();
  g.restore();
}

// Messages to the kernel, each of which is answered: obeyed, refused, or lost. A connection may swallow them without a
// word, so `ask` asks what became of those without an answer. One that had not come by then is never obeyed.
// `settled` is called with the words for what was lost or refused, and with whether something was lost.
function mailbox(model, settled) {
  const me = Math.random().toString(36).slice(2);
  const sent = new Map(); // id -> [control, words], while there is no answer
  const newest = new Map(); // control -> the id of what was asked of it last
  let count = 0;
  const post = (message) => {
    try {
      model.send(message);
    } catch { /* there is no kernel any more */ }
  };
  const send = (control, words, message) => {
    const id = `${me}.${++count}`;
    sent.set(id, [control, words]);
    newest.set(control, id);
    post({ id, ...message });
  };
  const ask = (more = {}) => post({ kind: "beat", waiting: [...sent.keys()], ...more });
  const onMessage = ({ verdicts = {} }) => {
    const ids = Object.keys(verdicts).filter((id) => sent.has(id));
    // What was asked of a control before it was moved again is of no interest any more.
    const lost = ids.filter((id) => verdicts[id] === null && newest.get(sent.get(id)[0]) === id).map((id) => sent.get(id)[1]);
    const news = ids.map((id) => verdicts[id]).filter(Boolean);
    if (lost.length) news.unshift(`Not received: ${lost.join(", ")}. Shown is what is in force.`);
    ids.forEach((id) => sent.delete(id));
    if (ids.length) settled(news.join(" "), lost.length > 0);
  };
  model.on("msg:custom", onMessage);
  // [control, words] of each control that waits, once.
  const waiting = () => [...new Map(sent.values())];
  return { send, ask, waiting, close: () => model.off("msg:custom", onMessage) };
}

// JupyterLab's shortcuts listen above us: without this, arrow keys never reach a slider and "a" inserts a cell.
function keepKeys(el) {
  el.addEventListener("keydown", (event) => event.stopPropagation());
}

// A number as a person writes it: three significant digits, no exponent where a few zeros do.
function short(value) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-4) return value.toExponential(1).replace("e+", "e");
  return String(Number(value.toPrecision(3)));
}

// The number that a text says in decimal notation, else NaN. Number alone would take "0x10" for 16 and make 0 of 1e-400,
// which is not what was meant.
function decimal(text) {
  const value = Number(text);
  const isDecimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim());
  const vanished = value === 0 && /[1-9]/.test(text.split(/e/i)[0]);
  return isDecimal && Number.isFinite(value) && !vanished ? value : NaN;
}

// A share as the status line writes it: two digits, and no exponent.
function percent(share) {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  return `${share < 0.995 ? Number((100 * share).toPrecision(2)) : Math.round(100 * share)} %`;
}

// λ on a logarithmic slider: position 0 is λ = 0, then equal factors from 10^low to 10^high.
function weightScale(low, high, perDecade) {
  const top = (high - low) * perDecade + 1;
  return {
    top,
    value: (position) => (position <= 0 ? 0 : Number((10 ** (low + (position - 1) / perDecade)).toPrecision(3))),
    position: (value) =>
      value <= 0 ? 0 : Math.min(top, Math.max(1, Math.round((Math.log10(value) - low) * perDecade) + 1)),
  };
}

// The look of a module or loss by its name; further ones are numbered among all names.
const NAMED = {
  feature_extractor: "theta", backbone: "theta", encoder: "theta", theta: "theta",
  classifier: "phi", head: "phi", roi_heads: "phi", phi: "phi", reg: "reg",
};
function lookOf(name, all) {
  if (NAMED[name]) return LOOK[NAMED[name]];
  const others = all.filter((other) => !NAMED[other]);
  return MORE_LOOKS[Math.max(0, others.indexOf(name)) % MORE_LOOKS.length];
}

// A short piece of the line with which something is drawn.
function swatch(name, all) {
  const [color, dash] = lookOf(name, all);
  return `<svg class="jo-swatch" width="26" height="8" aria-hidden="true"><line x1="1" y1="4" x2="25" y2="4"
    stroke="${color}" stroke-width="3.5" stroke-dasharray="${dash.join(" ")}"/></svg>`;
}

// The document's letter beside the name of its two modules.
function symbol(module) {
  return module + ({ feature_extractor: " (θ)", classifier: " (φ)" }[module] || "");
}

function escape(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
