// One look for one idea, the same as in jointopt/figures, and the theme of the page.

// [color, canvas dash]
export const LOOK = {
  theta: ["#0072B2", []],
  phi: ["#D55E00", [8, 4]],
  reg: ["#009E73", [8, 3, 2, 3]],
  heldOut: ["#CC79A7", [2, 3]],
};
// Of further modules and losses, in this order. Green comes before yellow where no regularizer has it.
const COLORS = ["#E69F00", "#56B4E9", "#CC79A7", "#F0E442"];
const DASHES = [[12, 3], [3, 3], [6, 2, 2, 2], [1, 2], [10, 2, 2, 2, 2, 2], [5, 6], [2, 7]];

const NAMED = {
  feature_extractor: "theta", backbone: "theta", encoder: "theta", theta: "theta",
  classifier: "phi", head: "phi", roi_heads: "phi", phi: "phi", reg: "reg",
};

// The looks by name, { modules, losses }: no two are alike. Further ones are numbered, modules first.
export function looksOf(losses, modules) {
  const colors = losses.includes("reg") ? COLORS : [...COLORS.slice(0, 3), LOOK.reg[0], ...COLORS.slice(3)];
  let count = 0;
  const next = () => [colors[count % colors.length], DASHES[count++ % DASHES.length]];
  const of = (names, ideas) => Object.fromEntries(names.map((name, i) => {
    const idea = NAMED[name], first = names.findIndex((other) => NAMED[other] === idea) === i;
    return [name, ideas.includes(idea) && first ? LOOK[idea] : next()];
  }));
  return { modules: of(modules, ["theta", "phi"]), losses: of(losses, ["reg"]) };
}

// A short piece of the line with which something is drawn.
export function swatch([color, dash]) {
  return `<svg class="jo-swatch" width="26" height="8" aria-hidden="true"><line x1="1" y1="4" x2="25" y2="4"
    stroke="${color}" stroke-width="3.5" stroke-dasharray="${dash.join(" ")}"/></svg>`;
}

// JupyterLab gives its colors as CSS variables; elsewhere the fallbacks hold.
export function theme(el) {
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
export function onLookChange(el, redraw) {
  const sizes = new ResizeObserver(redraw);
  sizes.observe(el);
  const themes = new MutationObserver(redraw);
  themes.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  return () => { sizes.disconnect(); themes.disconnect(); };
}
