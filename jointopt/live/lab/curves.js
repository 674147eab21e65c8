// What the lab draws: the objective and its parts, gradients, movement, held-out figures, influence, the task's picture.

const HEIGHT = 160, LEFT = 44, TOP = 16, BOTTOM = 22, LANE = 14, GAP = 6; // CSS pixels
const FONT = "12px sans-serif";

function render({ model, el }) {
  const { losses, modules, columns, name } = model.get("spec");
  const root = document.createElement("div");
  root.className = "jo jo-curves";
  root.innerHTML = `
    <div class="jo-row"><span class="jo-step"></span></div>
    <div class="jo-said" role="status" aria-live="polite"></div>
    <div class="jo-grid">
      ${["J and its parts λ·L (log)", "share of each λ·L in J", "gradient norm (log)", "weight change per step (log)", "held-out figure"]
        .map((title) => `<section><h4>${title}</h4><canvas role="img"></canvas></section>`).join("")}
      <section class="jo-influence-box ${modules.length > 4 ? "jo-wide" : ""}"></section>
      <section class="jo-wide"><img class="jo-picture" hidden></section>
    </div>
    <details><summary>Changes, as numbered on the curves</summary><ol class="jo-marks"></ol></details>`;
  el.replaceChildren(root);
  keepKeys(root);
  const canvases = [...root.querySelectorAll("canvas")];
  const find = (selector) => root.querySelector(selector);
  const pick = (kind, names) => names.map((n) => ({ name: n, column: columns.indexOf(`${kind}.${n}`), look: lookOf(n, names) }));
  const parts = pick("part", losses), gradients = pick("grad_norm", modules), changes = pick("change", modules);
  let pending = false, waiting = null, seen = [], pictureUrl = null;

  const draw = () => {
    const info = model.get("info");
    root.dataset.step = info.number ?? 0;
    // JupyterLab hides the page for a moment when its theme changes, and nothing tells when it is shown again.
    pending = !root.clientWidth;
    if (pending) waiting = setTimeout(draw, 200);
    if (pending || info.number === undefined) return;
    const rows = readRows(model.get("frame"), columns.length);
    const colors = theme(root), x = rows.map((row) => row[0]), total = rows.map((row) => row[1]);
    const marks = numbered(info.marks), right = margin(canvases[0], [...losses.map((l) => `${l} ${percent(1e-9)}`), ...modules]);
    const common = { x, marks, colors, right, last: Math.max(1, info.number - 1) };
    const values = (series) => series.map((s) => ({ ...s, values: rows.map((row) => row[s.column]) }));
    const held = values(changes).map((s) => ({ ...s, still: standing(s.values) }));

    const objective = { name: "J", look: [colors.ink, []], width: 3.5, values: total };
    lines(canvases[0], [...values(parts), objective], { ...common, log: true });
    shares(canvases[1], values(parts), total, common);
    lines(canvases[2], values(gradients).map((s, i) => ({ ...s, still: held[i].still })), { ...common, log: true });
    lines(canvases[3], held, { ...common, log: true });
    heldOut(canvases[4], info.held_out, common);
    root.querySelectorAll("h4")[4].textContent = info.held_out.name ? `held-out ${info.held_out.name}` : "held-out figure: none";
    find(".jo-influence-box").innerHTML = influence(info.influence, losses, modules);
    find(".jo-marks").innerHTML = marks.map((m) => `<li>step ${m.step}: ${escape(m.texts.join(", "))}</li>`).join("");

    seen = [...seen, [performance.now(), info.number]].slice(-12);
    const rate = (1000 * (info.number - seen[0][1])) / (performance.now() - seen[0][0]);
    const now = total.length ? `J ${short(total[total.length - 1])}` : "";
    find(".jo-step").textContent = [`step ${info.number}`, now, rate > 0 ? `${rate.toFixed(rate < 10 ? 1 : 0)} steps/s` : ""].filter(Boolean).join(" · ");
    say(info, now);
  };

  // In words, for the eye and for a screen reader; written only when it changes, so that it is read once.
  const say = (info, now) => {
    const urgent = [info.note, info.memory].filter(Boolean).map((words) => `<strong>${escape(words)}</strong> `);
    const text = urgent.join("") + escape(info.said);
    const line = find(".jo-said");
    if (line.dataset.text !== text) {
      line.dataset.text = text;
      line.innerHTML = text || "Change λ or freeze a module while it trains: this line says what it did.";
    }
    const titles = [...root.querySelectorAll("h4")].map((h) => h.textContent);
    canvases.forEach((canvas, i) => canvas.setAttribute("aria-label", `${titles[i]}, over ${info.number} steps. ${now}`));
  };

  const showPicture = () => {
    const bytes = model.get("picture"), image = find(".jo-picture");
    if (!bytes || !bytes.byteLength) return;
    if (pictureUrl) URL.revokeObjectURL(pictureUrl);
    pictureUrl = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    image.src = pictureUrl;
    image.hidden = false;
    image.alt = `The task's picture after ${model.get("info").number ?? 0} steps: held-out examples with what the model makes of them.`;
  };

  const ask = () => {
    if (!pending) {
      pending = true;
      requestAnimationFrame(draw);
    }
  };
  model.on("change:frame", ask);
  model.on("change:info", ask);
  model.on("change:picture", showPicture);
  const forget = onLookChange(root, ask);
  draw();
  showPicture();
  return () => {
    model.off("change:frame", ask);
    model.off("change:info", ask);
    model.off("change:picture", showPicture);
    forget();
    clearTimeout(waiting);
    if (pictureUrl) URL.revokeObjectURL(pictureUrl);
  };
}

// Rows of float32, as History.frame writes them.
function readRows(frame, width) {
  if (!frame || !frame.byteLength) return [];
  const all = new Float32Array(frame.buffer.slice(frame.byteOffset, frame.byteOffset + frame.byteLength));
  return Array.from({ length: all.length / width }, (_, i) => all.subarray(i * width, (i + 1) * width));
}

// Changes of one step share one number.
function numbered(marks) {
  const steps = new Map();
  marks.forEach(([step, text]) => steps.set(step, [...(steps.get(step) || []), text]));
  return [...steps].map(([step, texts]) => ({ step, texts }));
}

// Room for the names beside the curves, the same in every panel, so that their steps stand in line.
function margin(canvas, names) {
  const g = canvas.getContext("2d");
  g.font = FONT;
  return Math.min(0.42 * canvas.clientWidth, 16 + Math.max(...names.map((name) => g.measureText(name).width)));
}

// An empty panel with its axes, and room for lanes beneath; answers the drawing context and the two scales.
function panel(canvas, low, high, { colors, last, marks, log, right, unit = short, lanes = 0 }) {
  const beneath = lanes && GAP + LANE * lanes, height = HEIGHT + beneath;
  const width = canvas.clientWidth, g = fitCanvas(canvas, width, height);
  const inner = { w: width - LEFT - right, h: HEIGHT - TOP - BOTTOM };
  const at = (v) => (log ? (Math.log10(v) - Math.log10(low)) / (Math.log10(high) - Math.log10(low)) : (v - low) / (high - low));
  const X = (step) => LEFT + (inner.w * step) / last, Y = (v) => TOP + inner.h * (1 - at(v));
  g.font = FONT;
  g.lineWidth = 1;
  g.strokeStyle = colors.line;
  g.fillStyle = colors.ink;
  for (const tick of ticks(low, high, log)) {
    g.beginPath();
    g.moveTo(LEFT, Y(tick));
    g.lineTo(LEFT + inner.w, Y(tick));
    g.stroke();
    g.textAlign = "right";
    g.fillText(unit(tick), LEFT - 6, Y(tick) + 4);
  }
  g.textAlign = "left";
  g.fillText("0", LEFT, height - 6);
  g.textAlign = "right";
  g.fillText(`step ${last}`, LEFT + inner.w, height - 6);
  g.textAlign = "center";
  g.strokeStyle = colors.faint;
  g.setLineDash([2, 3]);
  marks.forEach(({ step }, i) => {
    g.beginPath();
    g.moveTo(X(step), TOP);
    g.lineTo(X(step), TOP + inner.h + beneath);
    g.stroke();
    g.fillText(String(i + 1), X(step), TOP - 4);
  });
  g.setLineDash([]);
  return { g, X, Y, inner };
}

function ticks(low, high, log) {
  if (!log) {
    const rough = (high - low) / 4, decade = 10 ** Math.floor(Math.log10(rough));
    const gap = decade * [1, 2, 2.5, 5, 10].find((m) => m * decade >= rough);
    return Array.from({ length: 7 }, (_, i) => (Math.ceil(low / gap) + i) * gap).filter((v) => v <= high * 1.0001);
  }
  const all = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++)
    for (const m of [1, 2, 5]) if (m * 10 ** e >= low * 0.999 && m * 10 ** e <= high * 1.001) all.push(m * 10 ** e);
  const decades = all.filter((v) => Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-9);
  const few = decades.length >= 2 ? decades : all;
  return few.filter((_, i) => i % Math.ceil(few.length / 5) === 0);
}

// Curves on one panel. A value of 0 on a log scale leaves a gap; a module that stood still has a lane beneath.
function lines(canvas, series, options) {
  const shown = series.flatMap((s) => [...s.values]).filter((v) => v > 0 && Number.isFinite(v));
  const low = shown.length ? Math.min(...shown) * 0.8 : 0.1, high = shown.length ? Math.max(...shown) * 1.25 : 1;
  const held = series.filter((s) => s.still?.includes(true));
  const { g, X, Y, inner } = panel(canvas, low, high, { ...options, lanes: held.length });
  const labels = [];
  series.forEach((s) => {
    stroke(g, s, options.x, X, Y);
    const end = s.values.findLastIndex((v) => v > 0);
    if (end >= 0) labels.push({ y: Y(s.values[end]), text: s.name, color: s.look[0] });
  });
  label(g, labels, LEFT + inner.w + 6, options);
  if (held.length) bars(g, held, options, X, LEFT + inner.w + 6);
}

// 0 for at least four rows: shorter zeros are the turns of other modules or losses in an alternating plan.
function standing(values) {
  const still = values.map((v) => v === 0);
  for (let i = 0, start = 0; i <= still.length; i++)
    if (!still[i]) {
      if (i - start < 4) still.fill(false, start, i);
      start = i + 1;
    }
  return still;
}

function stroke(g, s, x, X, Y) {
  [g.strokeStyle, g.lineWidth] = [s.look[0], s.width || 2.2];
  g.setLineDash(s.look[1]);
  g.beginPath();
  const gaps = standing(s.values);
  let up = true;
  s.values.forEach((v, i) => {
    if (!(v > 0)) { up ||= v !== 0 || gaps[i]; return; }
    if (up) g.moveTo(X(x[i]), Y(v));
    else g.lineTo(X(x[i]), Y(v));
    up = false;
  });
  g.stroke();
  g.setLineDash([]);
}

// Beneath the curves: a lane for each module that stood still, hatched where it did. One word for all, a name for each.
function bars(g, held, options, X, right) {
  const { x, colors } = options, top = HEIGHT - BOTTOM + GAP, center = (k) => top + LANE * (k + 0.5);
  g.fillStyle = colors.ink;
  g.textAlign = "right";
  g.fillText("frozen", LEFT - 6, center((held.length - 1) / 2) + 4);
  held.forEach(({ still, look }, k) => {
    for (let start = 0, i = 0; i <= still.length; i++)
      if (!still[i]) {
        const end = i < x.length ? X(x[i]) : X(x[i - 1]) + 2;
        if (start < i) hatch(g, X(x[start]), center(k) - 5, Math.max(2, end - X(x[start])), 10, look[0]);
        start = i + 1;
      }
  });
  const names = held.map((s, k) => ({ y: center(k), text: s.name, color: s.look[0] }));
  label(g, names, right, options, Infinity);
}

// Names beside the ends of their curves, moved apart where they would touch; one that is too long is drawn narrower.
function label(g, labels, x, { colors, right }, bottom = HEIGHT - BOTTOM - LANE / 2) {
  labels.sort((a, b) => a.y - b.y);
  labels.forEach((l, i) => { if (i) l.y = Math.max(l.y, labels[i - 1].y + LANE); });
  labels.reduceRight((limit, l) => (l.y = Math.min(l.y, limit)) - LANE, bottom);
  g.textAlign = "left";
  for (const { y, text, color } of labels) {
    g.fillStyle = color;
    g.fillRect(x, y - 4, 4, 8);
    g.fillStyle = colors.ink;
    g.fillText(text, x + 7, y + 4, right - 14);
  }
}

// λ_k·L_k / J, stacked.
function shares(canvas, series, total, options) {
  const { g, X, Y, inner } = panel(canvas, 0, 1, { ...options, unit: percent });
  const bottom = total.map(() => 0), labels = [];
  series.forEach((s, k) => {
    const top = bottom.map((b, i) => b + (total[i] > 0 ? s.values[i] / total[i] : 0));
    if (total.length) {
      g.beginPath();
      top.forEach((v, i) => g.lineTo(X(options.x[i]), Y(v)));
      for (let i = top.length - 1; i >= 0; i--) g.lineTo(X(options.x[i]), Y(bottom[i]));
      g.globalAlpha = 0.55;
      g.fillStyle = s.look[0];
      g.fill();
      g.globalAlpha = 1;
      stroke(g, { ...s, values: top }, options.x, X, Y);
      const end = total.length - 1, share = top[end] - bottom[end];
      if (share > 0) labels.push({ y: Y((top[end] + bottom[end]) / 2), text: `${s.name} ${percent(share)}`, color: s.look[0] });
    }
    top.forEach((v, i) => { bottom[i] = v; });
  });
  label(g, labels, LEFT + inner.w + 6, options);
}

function heldOut(canvas, { points }, options) {
  const values = points.map((p) => p[1]), low = values.length ? Math.min(...values) : 0, high = values.length ? Math.max(...values) : 1;
  const pad = (high - low) * 0.1 || 1;
  const { g, X, Y, inner } = panel(canvas, low - pad, high + pad, { ...options, last: options.last + 1 });
  const [color, dash] = LOOK.heldOut;
  [g.strokeStyle, g.fillStyle, g.lineWidth] = [color, color, 2.2];
  g.setLineDash(dash);
  g.beginPath();
  points.forEach(([step, v]) => g.lineTo(X(step), Y(v)));
  g.stroke();
  g.setLineDash([]);
  points.forEach(([step, v]) => { g.beginPath(); g.arc(X(step), Y(v), 4, 0, 7); g.fill(); });
  if (points.length) label(g, [{ y: Y(values[values.length - 1]), text: short(values[values.length - 1]), color }], LEFT + inner.w + 6, options);
}

// Losses × modules: the norm of the gradient of each λ·L in each module, as the area of a disc and as a number.
function influence(cells, losses, modules) {
  const at = new Map(cells.map(([loss, module, norm]) => [`${loss} ${module}`, norm]));
  const most = Math.max(...at.values(), 1e-30), many = modules.length > 2; // many: the number beneath its disc
  const cell = (loss, module) => {
    const norm = at.get(`${loss} ${module}`);
    if (norm === undefined) return `<td aria-label="none">–</td>`;
    const radius = Math.max(1.5, 13 * Math.sqrt(norm / most)), color = lookOf(module, modules)[0];
    const disc = `<svg width="28" height="28" aria-hidden="true"><circle cx="14" cy="14" r="${radius}" fill="${color}"/></svg>`;
    return `<td>${disc}${many ? "<br>" : " "}${short(many ? Number(norm.toPrecision(2)) : norm)}</td>`;
  };
  const head = modules.map((m) => `<th scope="col">${swatch(m, modules)}<br>${escape(m).replaceAll("_", "_<wbr>")}</th>`).join("");
  const body = losses.map((l) => `<tr><th scope="row">${swatch(l, losses)} λ·<wbr>${escape(l).replaceAll("_", "_<wbr>")}</th>${modules.map((m) => cell(l, m)).join("")}</tr>`).join("");
  const size = many ? ` jo-many" style="min-width: ${94 + 56 * modules.length}px` : "";
  return `<table class="jo-influence${size}"><caption>influence: ‖∇(λ·L)‖ in each module</caption><tr><td></td>${head}</tr>${body}</table>`;
}

export default { render };
