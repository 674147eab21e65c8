// One look for one idea, the same as in jointopt/figures, and the theme of the page.

// [color, canvas dash]
export const LOOK = {
  theta: ["#0072B2", []],
  phi: ["#D55E00", [8, 4]],
  reg: ["#009E73", [8, 3, 2, 3]],
  heldOut: ["#CC79A7", [2, 3]],
};
// Further modules and losses, in this order.
const MORE_LOOKS = [["#E69F00", [12, 3]], ["#56B4E9", [3, 3]], ["#CC79A7", [6, 2, 2, 2]], ["#F0E442", [1, 2]]];

// The look of a module or loss by its name; further ones are numbered among all names.
const NAMED = {
  feature_extractor: "theta", backbone: "theta", encoder: "theta", theta: "theta",
  classifier: "phi", head: "phi", roi_heads: "phi", phi: "phi", reg: "reg",
};
export function lookOf(name, all) {
  if (NAMED[name]) return LOOK[NAMED[name]];
  const others = all.filter((other) => !NAMED[other]);
  return MORE_LOOKS[Math.max(0, others.indexOf(name)) % MORE_LOOKS.length];
}

// A short piece of the line with which something is drawn.
export function swatch(name, all) {
  const [color, dash] = lookOf(name, all);
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
