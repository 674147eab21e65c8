// The influence of each loss on each module, as a table.

import { lookOf, swatch } from "../shared/look.js";
import { short } from "../shared/numbers.js";
import { escaped } from "../shared/page.js";

// Losses × modules: the norm of the gradient of each λ·L in each module, as the area of a disc and as a number.
export function influence(cells, losses, modules) {
  const at = new Map(cells.map(([loss, module, norm]) => [`${loss} ${module}`, norm]));
  const most = Math.max(...at.values(), 1e-30), many = modules.length > 2; // many: the number beneath its disc
  const cell = (loss, module) => {
    const norm = at.get(`${loss} ${module}`);
    if (norm === undefined) return `<td aria-label="none">–</td>`;
    const radius = Math.max(1.5, 13 * Math.sqrt(norm / most)), color = lookOf(module, modules)[0];
    const disc = `<circle cx="14" cy="14" r="${radius}" fill="${color}"/>`;
    const number = many ? `<br>${short(Number(norm.toPrecision(2)))}` : ` ${short(norm)}`;
    return `<td><svg width="28" height="28" aria-hidden="true">${disc}</svg>${number}</td>`;
  };
  const broken = (name) => escaped(name).replaceAll("_", "_<wbr>");
  const head = modules.map((m) => `<th scope="col">${swatch(m, modules)}<br>${broken(m)}</th>`).join("");
  const row = (l) => `<tr><th scope="row">${swatch(l, losses)} λ·<wbr>${broken(l)}</th>
    ${modules.map((m) => cell(l, m)).join("")}</tr>`;
  const size = many ? ` jo-many" style="min-width: ${94 + 56 * modules.length}px` : "";
  return `<table class="jo-influence${size}"><caption>influence: ‖∇(λ·L)‖ in each module</caption>
    <tr><td></td>${head}</tr>${losses.map(row).join("")}</table>`;
}
