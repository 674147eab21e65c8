// The controls of the lab. What they show is in force, which is to say that the kernel has accepted it (a lab that is
// paused trains with it from the next step on), or it is marked as waiting.

import { looksOf, swatch } from "../shared/look.js";
import { mailbox } from "../shared/mailbox.js";
import { decimal, short, weightScale } from "../shared/numbers.js";
import {
  escaped, layOut, markStep, onConfirm, onPress, onStep, rootOf, setIdle, setSlider, undoOnEscape,
} from "../shared/page.js";
import { courseOf, showCourses } from "./course.js";

const SCALE = weightScale(-6, 2, 10), RATES = weightScale(-6, 0, 10);

const FEW = 2; // modules whose learning rates are always shown

const KEPT = "To the first weights; λ, frozen modules, rates, optimizer and plan stay as they are set. "
  + "Pressed again, at step 0, it sets these back too";
const LOCK = `<svg class="jo-lock" viewBox="0 0 12 14" width="12" height="14" aria-hidden="true">
  <rect x="1" y="6" width="10" height="8" rx="1.5"/>
  <path d="M3 6V4a3 3 0 0 1 6 0v2" fill="none" stroke-width="1.8"/></svg>`;
const icon = (path) => `<svg width="11" height="11" viewBox="0 0 10 10" aria-hidden="true" fill="currentColor">
  <path d="${path}"/></svg> `;
const ICONS = { play: icon("M1 0L10 5L1 10Z"), pause: icon("M1 0H4V10H1ZM6 0H9V10H6Z") };
const LOST_AFTER = 6000; // ms without an answer after which the kernel is taken to be gone
const WAITING_AFTER = 300; // ms without an answer after which a control is marked: most answers come before

function render({ model, el }) {
  const { losses, modules, optimizers, plans, name, lab, view } = model.get("spec");
  const id = `jo${Math.random().toString(36).slice(2)}`;
  const html = markup(id, losses, modules, optimizers, plans);
  const root = rootOf("controls", html, `Training controls of the lab ${name}`);
  undoOnEscape(root);
  el.replaceChildren(root);
  // It stays in sight unless it takes much of the window: in large type, or with many modules on a narrow page.
  const sizes = new ResizeObserver(() => {
    layOut(root, view);
    el.classList.toggle("jo-stays", root.offsetHeight < 0.4 * innerHeight);
  });
  sizes.observe(root);
  const find = (selector) => root.querySelector(selector);

  const settled = (news, lost) => {
    find("[role=alert]").textContent = news;
    show(lost);
  };
  // Both ways: the kernel stops drawing when nobody looks, and we say so when it does not answer. It sends again what
  // has not come: `shown` is the number of the state that did.
  const mail = mailbox(model, settled, (_waiting, silence) => {
    find(".jo-gone").hidden = silence <= LOST_AFTER;
    return document.hidden ? null : { shown: model.get("state").number };
  });
  const send = (control, words, kind, details = {}) => {
    mail.send(control, words, { kind, ...details });
    setTimeout(mark, WAITING_AFTER);
  };

  // The controls that wait, each with "…" beside it, and in words.
  const mark = () => {
    const waiting = mail.waiting(), line = find(".jo-waits");
    for (const control of root.querySelectorAll("[data-waiting]")) {
      delete control.dataset.waiting;
      control.removeAttribute("aria-describedby");
    }
    for (const [control] of waiting) {
      control.dataset.waiting = "";
      control.setAttribute("aria-describedby", line.id);
    }
    const { playing, next } = model.get("state");
    const [begin, words] = waiting.length
      ? ["Waiting for the kernel", waiting.map((each) => each[1])]
      : ["At the next step", playing ? [] : next];
    line.textContent = words.length ? `${begin}: ${words.join(", ")}` : "";
  };

  const folded = () => find(`#${id}modules`).classList.contains("jo-folded");
  const show = (lost) => {
    mark();
    if (mail.waiting().length) return; // the kernel's state is older than what was done here
    const write = (input, text) => {
      input.defaultValue = text;
      if (lost === true || document.activeElement !== input) input.value = text; // not under a person's cursor
    };
    const state = model.get("state");
    const exact = (name, value) => (name in state.courses ? short(value) : String(value));
    losses.forEach((loss, i) => {
      setSlider(find(`#${id}slider${i}`), SCALE, state.weights[loss]);
      write(find(`#${id}number${i}`), exact(`weight.${loss}`, state.weights[loss]));
    });
    modules.forEach((module, i) => {
      const own = state.lrs[module], rate = find(`#${id}rate${i}`);
      find(`#${id}freeze${i}`).checked = state.frozen.includes(module);
      setSlider(find(`#${id}rates${i}`), RATES, own ?? state.lr);
      write(rate, own === undefined ? "" : exact(`lr.${module}`, own));
      rate.placeholder = exact("lr", state.lr);
    });
    write(find("[data-lr]"), exact("lr", state.lr));
    showCourses(root, state.courses, state.step);
    const unseen = ([module]) => folded() || !modules.includes(module);
    const deeper = Object.entries(state.lrs).filter(unseen);
    find("[data-deeper]").textContent = deeper.map(([module, rate]) => `lr ${module} ${short(rate)}`).join(", ");
    find("[data-optimizer]").value = state.optimizer;
    if (plans.length) {
      // An option of its own says that the plan has ended: a select is silent when the option that it shows is chosen.
      find("[data-ended]").textContent = `${state.plan} (ended)`;
      find("[data-plan]").value = state.ended ? "" : state.plan;
    }
    const branches = find("[data-use_branch]");
    for (const each of root.querySelectorAll("[data-branches]")) each.hidden = state.branches.length < 2;
    const now = JSON.stringify(state.branches);
    if (branches.dataset.now !== now) { // not at every state: a menu that is open would close
      branches.dataset.now = now;
      branches.replaceChildren(...state.branches.map((each) => new Option(each.words, each.name)));
    }
    branches.value = state.branch;
    setIdle(root, { play: state.playing, step: state.playing, pause: !state.playing });
  };

  losses.forEach((loss, i) => {
    const number = find(`#${id}number${i}`);
    steered(find(`#${id}slider${i}`), number, SCALE, (value) => {
      send(number, `λ of ${loss} ${value}`, "weight", { name: loss, value });
    });
  });
  modules.forEach((module, i) => {
    const box = find(`#${id}freeze${i}`);
    box.addEventListener("change", () => {
      send(box, `${box.checked ? "freeze" : "thaw"} ${module}`, "frozen", { name: module, value: box.checked });
    });
    const number = find(`#${id}rate${i}`);
    steered(find(`#${id}rates${i}`), number, RATES, (typed) => {
      const value = typed === "" ? null : typed; // that of all
      send(number, `learning rate of ${module} ${value ?? "as all"}`, "lr", { name: module, value });
    });
  });
  find("[data-rates]")?.addEventListener("click", ({ target }) => {
    target.setAttribute("aria-expanded", !find(`#${id}modules`).classList.toggle("jo-folded"));
    show();
  });
  for (const [kind, words] of [["lr", "learning rate"], ["optimizer", "optimizer"], ["plan", "plan"]]) {
    find(`[data-${kind}]`)?.addEventListener("change", ({ target }) => {
      target.defaultValue = target.value;
      send(target, `${words} ${target.value}`, kind, { value: kind === "lr" ? typed(target) : target.value });
    });
  }
  const at = find("[data-at]"), branch = find("[data-do=branch]");
  const leave = (kind, words) => {
    const value = at.value.trim() ? typed(at) : null;
    send(branch, `${words} ${value ?? "now"}`, kind, { value });
    at.value = "";
    markStep(lab, null);
  };
  onPress(branch, () => leave("branch", "branch at step"));
  at.addEventListener("keydown", ({ key }) => {
    if (key === "Enter" && at.value.trim()) leave("go_to", "go to step");
  });
  at.addEventListener("input", () => markStep(lab, /^\s*\d+\s*$/.test(at.value) ? Number(at.value) : null));
  const forget = onStep(lab, (step) => {
    at.value = String(step);
    at.focus();
    markStep(lab, step);
  });
  find("[data-use_branch]").addEventListener("change", ({ target }) => {
    send(target, `branch ${target.value}`, "use_branch", { value: target.value });
  });
  root.querySelectorAll("[data-do]:not([data-do=branch], [data-do=reset])").forEach((button) => {
    onPress(button, () => send(button, button.textContent.trim(), button.dataset.do));
  });
  const reset = find("[data-do=reset]"), all = () => model.get("state").branches.length;
  const isAgain = () => isReset(model.get("state"));
  const forgetReset = onConfirm(root, reset, find(".jo-spoken"), () => all() > 1 && `Reset, drop ${all()} branches?`,
    (words) => send(reset, words, "reset", isAgain() ? { value: "settings" } : {}));

  model.on("change:state", show);
  show();
  return () => {
    mail.close();
    forget();
    forgetReset();
    sizes.disconnect();
    model.off("change:state", show);
  };
}

// Does nothing but the settings differ from how the lab began? Then Reset sets them back.
export const isReset = ({ step, playing, branches, kept }) => (
  step === 0 && !playing && branches.length < 2 && kept.length > 0);

// The document's letter beside the name of its two modules.
const symbol = (module) => module + ({ feature_extractor: " (θ)", classifier: " (φ)" }[module] || "");

// A slider and the exact number beside it: each follows the other, and `set` is called with what was chosen.
function steered(slider, number, scale, set) {
  slider.addEventListener("input", () => {
    const value = scale.value(Number(slider.value));
    number.value = String(value);
    slider.setAttribute("aria-valuetext", short(value));
    set(value);
  });
  number.addEventListener("change", () => {
    number.defaultValue = number.value; // what Escape goes back to, though the kernel may be busy still
    const value = typed(number);
    if (value >= 0 && value !== "") setSlider(slider, scale, value);
    set(value);
  });
}

// What a person typed: a number, else the text itself, so that the kernel can say what is wrong with it.
function typed(input) {
  const value = decimal(input.value);
  return Number.isNaN(value) ? input.value.trim() : value;
}

function markup(id, losses, modules, optimizers, plans) {
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
      ${button("branch", "Branch here", "Go back to before this step: type it, or click a curve")}
      <label data-branches hidden>branch <select data-use_branch></select></label></div>
    <div class="jo-bar">${weights.join("")}</div>
    <div class="jo-bar ${many ? "jo-folded" : ""}" id="${id}modules">${many ? "freeze" : ""} ${switches.join("")}
      <span data-deeper></span></div>
    <div class="jo-waits" role="status" id="${id}waits"></div><div class="jo-spoken" aria-live="polite"></div>
    <div class="jo-error" role="alert"></div>
    <div class="jo-gone" role="alert" hidden>No answer from the kernel for some seconds. If it is busy with another
      cell, what was pressed here is kept until that cell has ended. If it was restarted, run the cell of this lab
      again.</div>`;
}

export default { render };
