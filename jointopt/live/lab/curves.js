// What the lab draws: the objective and its parts, gradients, movement, held-out metrics, influence, a picture.

import { hatch, through, write } from "../shared/canvas.js";
import { looksOf, onLookChange, theme } from "../shared/look.js";
import { percent, short } from "../shared/numbers.js";
import { escaped, layOut, onMark, pickStep, rootOf, sayNews } from "../shared/page.js";
import {
  curve, emptyPanel, logRange, measuresOf, nameEnds, pale, roomFor, runs, standing, stepAt,
} from "../shared/panel.js";
import { atEqualStep, heldOut, valuesInWords } from "./held_out.js";
import { influence } from "./influence.js";

const TITLES = [
  "J and its parts λ·L (log)", "share of each λ·L in J", "gradient norm (log)", "weight change (log)",
  "held-out metric",
];

const HINT = "Change λ or freeze a module while it trains: this line says what it did.";

const panel = (title) => `<figure><figcaption>${title}</figcaption><canvas role="img"></canvas></figure>`;

function render({ model, el }) {
  const { losses, modules, columns, lab, view, evaluates } = model.get("spec");
  const root = rootOf("curves", `
    <div class="jo-grid">
      ${TITLES.map(panel).join("")}
      <section class="jo-influence-box ${["", "jo-many", "jo-wide"][(modules.length > 2) + (modules.length > 4)]}">
      </section><img class="jo-picture" hidden></div>
    <details><summary>Changes, as numbered on the curves</summary><ul class="jo-marks"></ul></details>`);
  el.replaceChildren(root);
  const canvases = [...root.querySelectorAll("canvas")];
  const find = (selector) => root.querySelector(selector);
  const looks = looksOf(losses, modules);
  const pick = (kind, names, those) =>
    names.map((name) => ({ name, column: columns.indexOf(`${kind}.${name}`), look: those[name] }));
  const parts = pick("part", losses, looks.losses);
  const [gradients, changes] = ["grad_norm", "change"].map((kind) => pick(kind, modules, looks.modules));
  let common = null, pending = false, waiting = null, seen = [], pictureUrl = null;
  let [picked, statusThen] = [null, ""]; // a step, and what the status line said when it was picked

  const draw = () => {
    const info = model.get("info");
    root.dataset.step = info.number ?? 0;
    layOut(root, view);
    // JupyterLab hides the page for a moment when its theme changes, and nothing tells when it is shown again.
    pending = !root.clientWidth;
    if (pending) waiting = setTimeout(draw, 200);
    if (pending || info.number === undefined) return;
    const rows = readRows(model.get("frame"), columns.length);
    const x = rows.map((row) => row[0]), total = rows.map((row) => row[1]);
    const marks = numbered(info.marks), names = [...losses.map((l) => `${l} ${percent(1e-9)}`), ...modules];
    const others = model.get("others").map((each) => {
      const theirs = readRows(each.frame, columns.length).filter((row) => row[0] >= each.shared - 1);
      return { ...each, rows: theirs, x: theirs.map((row) => row[0]), marks: numbered(each.marks) };
    });
    const last = lastStep(info.number, others), left = measuresOf(canvases[0]).left;
    common = { x, marks, others, left, right: roomFor(canvases[0], names), last, picked };
    const values = (series) => series.map((s) => ({ ...s, values: rows.map((row) => row[s.column]) }));
    const held = values(changes).map((s) => ({ ...s, still: standing(s.values) }));

    const objective = { name: "J", column: 1, look: [theme(root).ink, []], width: 3.5, values: total };
    lines(canvases[0], [...values(parts), objective], common);
    shares(canvases[1], values(parts), total, common);
    lines(canvases[2], values(gradients).map((s, i) => ({ ...s, still: held[i].still })), common);
    lines(canvases[3], held, common);
    heldOut(canvases[4], info, common);
    const none = evaluates && !info.number ? "metric: none yet" : "metric: none";
    const { step } = atEqualStep(info, others), at = step === null ? "" : `, at step ${step}`;
    canvases[4].previousElementSibling.textContent = `held-out ${info.held_out.name || none}${at}`;
    find(".jo-influence-box").innerHTML = influence(info.influence, losses, modules);
    find(".jo-marks").innerHTML = [{ name: "", marks }, ...others].flatMap(listed).join("");

    seen = [...seen, [performance.now(), info.number]].slice(-12);
    const rate = (1000 * (info.number - seen[0][1])) / (performance.now() - seen[0][0]);
    const now = total.length ? `J ${short(total[total.length - 1])}` : "";
    const speed = info.playing && rate > 0 ? `${rate.toFixed(rate < 10 ? 1 : 0)} steps/s` : "";
    say(info, now, [`step ${info.number}`, now, speed].filter(Boolean).join(" · "));
  };

  // In words: in the bar of the controls, and of each panel.
  const say = (info, now, where) => {
    const urgent = [info.note, info.memory].filter(Boolean).map((words) => `<strong>${escaped(words)}</strong> `);
    const isNews = picked === null || info.status !== statusThen;
    const words = isNews ? info.status : ofPicked(picked, info.number);
    const text = urgent.join("") + escaped(words) || (info.number ? HINT : `Play begins. ${HINT}`);
    sayNews(lab, { now: where, html: text });
    const values = valuesInWords(info, common.others);
    for (const canvas of canvases) {
      const title = canvas.previousElementSibling.textContent;
      const behind = common.others.map(markedAt).join("; ");
      const pale = behind && ` Pale behind it: branch ${behind}.`;
      const line = picked === null || picked > common.last ? "" : ` A line marks step ${picked}.`;
      const ends = canvas === canvases[4] ? values : "";
      canvas.setAttribute("aria-label", `${title}, over ${info.number} steps. ${now}${pale}${ends}${line}`);
    }
  };

  const showPicture = () => {
    const bytes = model.get("picture"), image = find(".jo-picture");
    if (!bytes?.byteLength) return;
    if (pictureUrl) URL.revokeObjectURL(pictureUrl);
    pictureUrl = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    image.src = pictureUrl;
    image.hidden = false;
    const steps = model.get("info").number ?? 0;
    image.alt = `The task's picture after ${steps} steps: held-out examples with what the model makes of them.`;
  };

  const ask = () => {
    if (!pending) {
      pending = true;
      requestAnimationFrame(draw);
    }
  };
  for (const canvas of canvases)
    canvas.addEventListener("click", ({ offsetX }) => {
      const step = common && stepAt(offsetX, { ...common, width: canvas.clientWidth });
      if (common) pickStep(lab, Math.min(model.get("info").number, step));
    });
  model.on("change:frame", ask);
  model.on("change:info", ask);
  model.on("change:picture", showPicture);
  const forget = onLookChange(root, ask);
  const forgetMark = onMark(lab, (step) => {
    [picked, statusThen] = [step, model.get("info").status];
    ask();
  });
  draw();
  showPicture();
  return () => {
    model.off("change:frame", ask);
    model.off("change:info", ask);
    model.off("change:picture", showPicture);
    forget();
    forgetMark();
    clearTimeout(waiting);
    if (pictureUrl) URL.revokeObjectURL(pictureUrl);
  };
}

// The last step of all branches: a frame may have the mean of several steps.
export const lastStep = (number, others) => Math.max(1, number - 1, ...others.map(({ steps }) => steps - 1));

// What a step is good for that was clicked or typed.
export const ofPicked = (step, number) => (step > number
  ? `step ${step} is still to come: Enter plays on to it` : `step ${step}: Branch here goes back to it`);

// Rows of float32, as History.frame writes them.
export function readRows(frame, width) {
  if (!frame?.byteLength) return [];
  const all = new Float32Array(frame.buffer.slice(frame.byteOffset, frame.byteOffset + frame.byteLength));
  return Array.from({ length: all.length / width }, (_, i) => all.subarray(i * width, (i + 1) * width));
}

// Changes of one step share one number.
export function numbered(marks) {
  const steps = new Map();
  for (const [step, text] of marks) steps.set(step, [...(steps.get(step) || []), text]);
  return [...steps].map(([step, texts]) => ({ step, texts }));
}

// The marks of a branch as items of a list, numbered as on the curves; those of a branch that lies behind by its name.
export const listed = ({ name, marks }) => marks.map(({ step, texts }, i) =>
  `<li><b>${escaped(name)}${i + 1}</b> step ${step}: ${escaped(texts.join(", "))}</li>`);

// A branch that lies behind, and the steps of its marks.
export const markedAt = ({ name, marks }) => (
  marks.length ? `${name}, marked at step ${marks.map(({ step }) => step).join(", ")}` : name);

// Curves on one panel, on a log scale: a value of 0 leaves a gap. A module that stood still has a lane beneath.
function lines(canvas, series, options) {
  const behind = options.others.flatMap((other) => series.map((s) => ofOther(other, s)));
  const [low, high] = logRange([...series, ...behind]);
  const held = series.filter((s) => s.still?.includes(true));
  const plot = emptyPanel(canvas, { ...options, low, high, log: true, lanes: held.length });
  pale(plot.g, () => { for (const each of behind) curve(plot, { ...each, width: 1.5 }, each.x); });
  for (const other of options.others) nameOther(plot, other, ofOther(other, series.at(-1)).values);
  for (const each of series) curve(plot, each, options.x);
  const ended = series.map((s) => ({ s, end: s.values.findLastIndex((v) => v > 0) })).filter(({ end }) => end >= 0);
  nameEnds(plot, ended.map(({ s, end }) => ({ y: plot.Y(s.values[end]), text: s.name, color: s.look[0] })));
  if (held.length) lanes(plot, held, options.x);
}

// The same series of another branch.
const ofOther = ({ rows, x }, series) => ({ ...series, x, values: rows.map((row) => row[series.column]) });

// The name of a branch at the end of its curve, within the panel.
function nameOther({ g, colors, X, Y, end }, { name, x }, values) {
  const i = values.findLastIndex((v) => v > 0);
  if (i >= 0) write(g, name, Math.min(X(x[i]) + 2, end - 12), Y(values[i]), colors);
}

// Beneath the curves: a lane for each module that stood still, hatched where it did. One word for all, a name for each.
function lanes(plot, held, x) {
  const { g, X, left, bottom, lane, gap } = plot, center = (k) => bottom + gap + lane * (k + 0.5);
  plot.print("right", "frozen", left - 6, center((held.length - 1) / 2));
  held.forEach(({ still, look }, k) => {
    for (const [start, end] of runs(still)) {
      const [from, to] = [X(x[start]), end < x.length ? X(x[end]) : X(x[end - 1]) + 2];
      hatch(g, from, center(k) - 5, Math.max(2, to - from), 10, look[0]);
    }
  });
  nameEnds(plot, held.map((s, k) => ({ y: center(k), text: s.name, color: s.look[0] })), Infinity);
}

// λ_k·L_k / J, stacked.
function shares(canvas, series, total, options) {
  const plot = emptyPanel(canvas, { ...options, low: 0, high: 1, unit: percent });
  const { g, X, Y } = plot, x = options.x, bottom = total.map(() => 0), names = [];
  for (const other of options.others) sharesOf(plot, other, series);
  for (const s of series) {
    const top = bottom.map((b, i) => b + (total[i] > 0 ? s.values[i] / total[i] : 0));
    const points = (heights) => heights.map((v, i) => [X(x[i]), Y(v)]);
    [g.globalAlpha, g.fillStyle] = [0.55, s.look[0]];
    g.fill(through([...points(top), ...points(bottom).reverse()]));
    g.globalAlpha = 1;
    curve(plot, { ...s, values: top }, x);
    const end = total.length - 1, share = top[end] - bottom[end], text = `${s.name} ${percent(share)}`;
    if (share > 0) names.push({ y: Y((top[end] + bottom[end]) / 2), text, color: s.look[0] });
    top.forEach((v, i) => { bottom[i] = v; });
  }
  nameEnds(plot, names);
}

// The same of another branch: the upper edges alone.
function sharesOf(plot, other, series) {
  const total = other.rows.map((row) => row[1]), top = total.map(() => 0);
  for (const s of series) {
    ofOther(other, s).values.forEach((v, i) => { top[i] += total[i] > 0 ? v / total[i] : 0; });
    pale(plot.g, () => curve(plot, { ...s, values: [...top], width: 1.5 }, other.x));
  }
}

export default { render };
