// The controls of the lab as HTML.

import { looksOf, swatch } from "../shared/look.js";
import { weightScale } from "../shared/numbers.js";
import { escaped } from "../shared/page.js";
import { courseOf } from "./course.js";

export const SCALE = weightScale(-6, 2, 10), RATES = weightScale(-6, 0, 10);

const FEW = 2; // modules whose learning rates are always shown

const KEPT = "To the first weights; λ, frozen modules, rates, optimizer and plan stay as they are set. "
  + "Pressed again, at step 0, it sets these back too. Where there are branches it asks, and sets all back";
const LOCK = `<svg class="jo-lock" viewBox="0 0 12 14" width="12" height="14" aria-hidden="true">
  <rect x="1" y="6" width="10" height="8" rx="1.5"/>
  <path d="M3 6V4a3 3 0 0 1 6 0v2" fill="none" stroke-width="1.8"/></svg>`;
const icon = (path) => `<svg width="11" height="11" viewBox="0 0 10 10" aria-hidden="true" fill="currentColor">
  <path d="${path}"/></svg> `;
const ICONS = { play: icon("M1 0L10 5L1 10Z"), pause: icon("M1 0H4V10H1ZM6 0H9V10H6Z") };
const GONE = "No answer from the kernel for some seconds. If it is busy with another cell, what was pressed here is "
  + "kept until that cell has ended. If it was restarted, run this lab's cell again: Escape, then Ctrl+Enter.";

// The document's letter beside the name of its two modules.
const symbol = (module) => module + ({ feature_extractor: " (θ)", classifier: " (φ)" }[module] || "");

export function markup(id, losses, modules, optimizers, plans) {
  const button = (what, label, title = "") =>
    `<button data-do="${what}" ${title && `title="${title}"`}>${ICONS[what] || ""}${label}</button>`;
  const looks = looksOf(losses, modules);
  const many = modules.length > FEW; // "freeze" once for all, and their learning rates when they are asked for
  const weights = losses.map((loss, i) => `
    <div class="jo-weight"><label for="${id}number${i}">${swatch(looks.losses[loss])} λ ${escaped(loss)}</label>
      <input type="range" id="${id}slider${i}" min="0" max="${SCALE.top}" step="1"
        aria-label="λ of ${escaped(loss)}, logarithmic, 0 at the left end">
      <input type="text" inputmode="decimal" id="${id}number${i}" size="7"
        aria-label="λ of ${escaped(loss)}, exact">
      ${courseOf(`weight.${escaped(loss)}`)}</div>`);
  const switches = modules.map((module, i) => `
    <div class="jo-weight jo-module"><label><input type="checkbox" role="switch" id="${id}freeze${i}"
        aria-label="freeze ${escaped(module)}">
      ${LOCK} ${many ? "" : "freeze "}${swatch(looks.modules[module])} ${escaped(symbol(module))}</label>
      <span class="jo-rate">lr <input type="range" id="${id}rates${i}" min="0" max="${RATES.top}" step="1"
        aria-label="learning rate of ${escaped(module)}, logarithmic, 0 at the left end">
      <input type="text" inputmode="decimal" id="${id}rate${i}" size="7"
        aria-label="learning rate of ${escaped(module)}, exact; empty: that of all">
      ${courseOf(`lr.${escaped(module)}`)}</span></div>`);
  const menu = (what, names, more = "") => `<label>${what} <select data-${what}>${more}${names
    .map((name) => `<option value="${escaped(name)}">${escaped(name)}</option>`).join("")}</select></label>`;
  return `
    <div class="jo-top"><div class="jo-bar jo-head"><span class="jo-step"></span>
      <label data-branches hidden>branch <select data-use_branch></select></label>
      <details class="jo-caution" data-branches hidden><summary>one run each: not evidence yet</summary>
        <textarea readonly spellcheck="false" aria-label="For a new cell: compare these branches from other seeds">
        </textarea></details></div>
    <div class="jo-news">
      <span class="jo-gone" role="alert" hidden>${GONE}</span><span class="jo-error" role="alert"></span>
      <strong class="jo-asks" aria-live="assertive"></strong>
      <span class="jo-waits" role="status" id="${id}waits"></span>
      <span class="jo-status" role="status" aria-live="polite"></span></div></div>
    <div class="jo-bar">
      ${button("play", "Play")}${button("pause", "Pause")}${button("step", "One step")}
      ${button("reset", "Reset", KEPT)}
      ${plans.length ? menu("plan", plans, `<option value="" data-ended hidden disabled></option>`) : ""}
      ${menu("optimizer", optimizers)}
      <label>learning rate <input type="text" inputmode="decimal" size="7" data-lr></label>
      ${courseOf("lr")}
      ${many ? `<button data-rates aria-expanded="false" aria-controls="${id}modules"
        aria-label="learning rate per module">per module</button>` : ""}
      <label>step <input type="text" inputmode="numeric" size="5" placeholder="now" data-at
        title="Enter: back to before this step, or on to it"></label>
      ${button("branch", "Branch here", "Go back to before this step: type it, or click a curve")}</div>
    <div class="jo-bar">${weights.join("")}</div>
    <div class="jo-bar ${many ? "jo-folded" : ""}" id="${id}modules">${many ? "freeze" : ""} ${switches.join("")}
      <span data-deeper></span></div>`;
}
