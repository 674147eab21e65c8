// The influence of each loss on each module, as a table.

import { looksOf, swatch } from "../shared/look.js";
import { short } from "../shared/numbers.js";
import { escaped } from "../shared/page.js";

// Losses × modules: the norm of the gradient of each λ·L in each module, as the area of a disc and as a number.
export function influence(cells, losses, modules) {
  const at = new Map(cells.map(([loss, module, norm]) => [`${loss} ${module}`, norm]));
  const most = Math.max(...at.values(), 1e-30), many = modules.length > 2; // many: the number beneath its disc
  const looks = looksOf(losses, modules), size = many ? 22 : 28; // of a disc, in pixels
  const cell = (loss, module) => {
    const norm = at.get(`${loss} ${module}`);
    if (!at.size) return `<td aria-label="not measured yet">…</td>`;
    if (norm === undefined) return `<td aria-label="none">–</td>`;
    const radius = Math.max(1.5, (size / 2 - 1) * Math.sqrt(norm / most)), color = looks.modules[module][0];
    const disc = `<circle cx="${size / 2}" cy="${size / 2}" r="${radius}" fill="${color}"/>`;
    const brief = norm && norm < 0.001 ? norm.toExponential(1) : short(Number(norm.toPrecision(2)));
    const number = many ? `<br> ${brief}` : ` ${short(norm)}`;
    const box = `width="${size}" height="${size}" viewBox="0 0 ${size} ${size}"`;
    return `<td><svg ${box} aria-hidden="true">${disc}</svg>${number}</td>`;
  };
  const broken = (name) => escaped(name).replaceAll("_", "_<wbr>");
  const head = modules.map((m) => `<th scope="col">${swatch(looks.modules[m])}<br>${broken(m)}</th>`).join("");
  const row = (l) => `<tr><th scope="row">${swatch(looks.losses[l])} λ·${many ? "<wbr>" : ""}${broken(l)}</th>
    ${modules.map((m) => cell(l, m)).join("")}</tr>`;
  const more = many ? ` jo-many" style="min-width: ${94 + 56 * modules.length}px` : "";
  return `<table class="jo-influence${more}"><caption>influence ‖∇(λ·L)‖</caption>
    <tr><td></td>${head}</tr>${losses.map(row).join("")}</table>`;
}
