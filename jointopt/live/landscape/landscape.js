// The live landscape of y = φ·θ·x: its controls.

import { weightScale } from "../shared/numbers.js";
import { weightField } from "../shared/page.js";
import { planeView } from "../shared/plane.js";
import { draw } from "./draw.js";
import { both } from "./math.js";
import { formula, PLAN_WORDS, wordsOf, wordsOfMinima } from "./words.js";

const SCALE = weightScale(-3, 1, 20);
const WEIGHTS = { both: "λ", theta: "λ of θ", phi: "λ of φ" };

const CONTROLS = `
  <p class="formula"></p>
  <p class="note"></p>
  <fieldset><legend>weight λ of the regularizer</legend>
    ${Object.entries(WEIGHTS).map(([which, symbol]) =>
      `<div class="jo-row" data-weight="${which}">${weightField(`weight ${which}`, symbol, SCALE)}</div>`).join("")}
    <label><input type="checkbox" name="separate"> separate λ for θ and φ</label>
  </fieldset>
  <fieldset><legend>path</legend>
    <div class="jo-row"><label>plan <select name="plan">${Object.entries(PLAN_WORDS).map(([plan, words]) =>
      `<option value="${plan}">${words}</option>`).join("")}</select></label></div>
    <div class="jo-row"><label><input type="checkbox" name="freeze theta"> freeze θ</label>
      <label><input type="checkbox" name="freeze phi"> freeze φ</label></div>
    <div class="jo-row"><label>start θ <input type="number" name="start theta" step="0.1"></label>
      <label>φ <input type="number" name="start phi" step="0.1"></label></div>
    <div class="jo-row"><label>learning rate <input type="number" name="lr" step="0.01"></label>
      <label>steps <input type="number" name="steps" step="10"></label></div>
  </fieldset>`;

function make({ find, canvas, state, change }) {
  const named = (name) => find(`[name="${name}"]`);
  const weight = (which, i) => ({
    shown: () => both(state.weight)[i],
    change: (x) => ({ weight: which === "both" ? x : both(state.weight).map((w, k) => (k === i ? x : w)) }),
    valid: (x) => x >= 0 && Number.isFinite(x),
    expected: "λ: a number ≥ 0",
    scale: SCALE,
  });
  named("separate").addEventListener("change", ({ target }) => {
    const pair = both(state.weight);
    change({ weight: target.checked ? [...pair] : pair[0] });
  });
  for (const name of ["theta", "phi"]) {
    named(`freeze ${name}`).addEventListener("change", () => {
      change({ frozen: ["theta", "phi"].filter((each) => named(`freeze ${each}`).checked) });
    });
  }
  return {
    fields: {
      "weight both": weight("both", 0), "weight theta": weight("theta", 0), "weight phi": weight("phi", 1),
      lr: { valid: (x) => x > 0 && Number.isFinite(x), expected: "learning rate: a number > 0" },
    },
    show() {
      const separate = Array.isArray(state.weight);
      named("separate").checked = separate;
      for (const which in WEIGHTS) find(`[data-weight="${which}"]`).hidden = separate === (which === "both");
      for (const name of ["theta", "phi"]) named(`freeze ${name}`).checked = state.frozen.includes(name);
    },
    reach: (start) => Math.max(2.5, 0.4 + Math.max(...start.map(Math.abs))),
    limit: (reach) => reach - 0.4,
    draw(reach) {
      const { plot, ends } = draw(canvas, state, reach);
      const note = wordsOfMinima(state.weight);
      find(".formula").textContent = formula(state.weight);
      find(".note").textContent = note;
      const data = Object.fromEntries(ends.map(({ plan, point, J }) => [plan, [...point, J]])); // plan: [θ, φ, J]
      const label = `Contours of J over theta and phi. ${note}`;
      return { plot, label, words: wordsOf(state, ends), data: { ends: JSON.stringify(data) } };
    },
  };
}

const render = (context) => planeView(context, {
  kind: "landscape", label: "Landscape of the objective", axes: ["theta", "phi"], controls: CONTROLS, make,
  settings: ["weight", "start", "plan", "frozen", "lr", "steps"],
});

export default { render };
