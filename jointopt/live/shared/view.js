// A view of settings: its picture, its controls, and a line that says in words what is shown. All is computed in the
// browser, so a change needs no kernel.

import { onLookChange } from "./look.js";
import { numberFields, rootOf, speaker } from "./page.js";
import { sharedSettings } from "./settings.js";

// The view.
//   kind, label   the element's class is jo-<kind>; its name for a screen reader
//   settings      the names of those of Python's side
//   controls      their HTML: an <input type="number"> or a <select> whose name is a setting's is that setting
//   make({ root, find, canvas, state, change, ask })   called once; answers the view's own part:
//     fields      what is valid in a number field, see numberFields
//     show()      shows the settings with controls of another kind, which call change({ setting: value })
//     draw() -> { words, label, data }   draws on the canvas; label in front of the words, data for the element
// `ask` has it drawn in the next frame, as each change does.
export function simpleView({ model, el }, { kind, label, settings, controls, make }) {
  const root = rootOf(`view jo-${kind}`, `
    <div class="plot"><canvas role="img"></canvas></div>
    <div class="side">${controls}<p role="status" aria-live="polite"></p></div>`, label);
  el.append(root);
  const find = (selector) => root.querySelector(selector);
  const canvas = find("canvas");
  const [say, hush] = speaker(find("p[role=status]"));
  const shared = sharedSettings(model, settings, (lost) => { show(lost); ask(); });
  const { state, change } = shared;
  let [frame, changedAt] = [0, 0];

  function ask() {
    changedAt ||= performance.now();
    frame ||= requestAnimationFrame(redraw);
  }
  function redraw() {
    frame = 0;
    if (!root.clientWidth) return;
    const drawn = own.draw();
    canvas.setAttribute("aria-label", `${drawn.label || `${label}:`} ${drawn.words}`);
    if (!root.querySelector("[aria-invalid=true]")) say(shared.line(drawn.words)); // else it says what is expected
    const ms = performance.now() - changedAt; // from the change until it is drawn
    Object.assign(root.dataset, drawn.data, { ms, draws: Number(root.dataset.draws || 0) + 1 });
    changedAt = 0;
  }

  const own = make({ root, find, canvas, state, change, ask });
  const showNumbers = numberFields(root, state, own.fields || {}, change, say, ask);
  const menus = [...root.querySelectorAll("select")].filter(({ name }) => settings.includes(name));
  for (const menu of menus) menu.addEventListener("change", () => change({ [menu.name]: menu.value }));
  function show(lost) {
    showNumbers(lost);
    for (const menu of menus) menu.value = state[menu.name];
    own.show?.();
  }
  const stopWatching = onLookChange(root, ask);
  shared.pull();
  return () => {
    shared.close();
    stopWatching();
    cancelAnimationFrame(frame);
    hush();
  };
}
