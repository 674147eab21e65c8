// The controls of the lab. What they show is in force, which is to say that the kernel has accepted it (a lab that is
// paused trains with it from the next step on), or it is marked as waiting.

import { mailbox } from "../shared/mailbox.js";
import { decimal, short } from "../shared/numbers.js";
import {
  layOut, markStep, onConfirm, onNews, onPress, onStep, rootOf, setIdle, setSlider, undoOnEscape,
} from "../shared/page.js";
import { showCourses } from "./course.js";
import { markup, RATES, SCALE } from "./markup.js";

const question = (count) => `Press again to drop all ${count} branches and all settings: the lab is then as it began. `
  + "Escape keeps them.";
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
  const cell = cellToCopy(find(".jo-caution"));

  const settled = (news, lost) => {
    find(".jo-error").textContent = news;
    show(lost);
  };
  // Both ways: the kernel stops drawing when nobody looks, and we say so when it does not answer. It sends again what
  // has not come: `shown` is the number of the state that did.
  const mail = mailbox(model, settled, (_waiting, silence) => {
    find(".jo-gone").hidden = silence <= LOST_AFTER;
    const unseen = document.hidden || (root.isConnected && !root.clientWidth); // as on another slide
    return unseen ? null : { shown: model.get("state").number };
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
    if (cell.value !== state.cell) [cell.value, cell.rows] = [state.cell, state.cell.split("\n").length];
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
  const what = () => (all() > 1 ? { value: "all" } : isReset(model.get("state")) ? { value: "settings" } : {});
  const forgetReset = onConfirm(root, reset, find(".jo-asks"), () => all() > 1 && question(all()),
    (words) => send(reset, words, "reset", what()));

  // A lab on a slide is out of sight once the slides have the keys again: it does not play without end there.
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !root.classList.contains("jo-slide")) return;
    if (model.get("state").playing) send(find("[data-do=pause]"), "Pause", "leave");
  });

  // The news of the curves, for the eye and for a screen reader; written only when it changes, so that it is read once.
  const line = find(".jo-status");
  const forgetNews = onNews(lab, ({ now, html }) => {
    find(".jo-step").textContent = now;
    if (line.dataset.text !== html) [line.dataset.text, line.innerHTML] = [html, html];
  });
  markStep(lab, null); // the curves say their news again

  model.on("change:state", show);
  show();
  return () => {
    mail.close();
    forget();
    forgetNews();
    forgetReset();
    sizes.disconnect();
    model.off("change:state", show);
  };
}

// Does nothing but the settings differ from how the lab began? Then Reset sets them back.
export const isReset = ({ step, playing, branches, kept }) => (
  step === 0 && !playing && branches.length < 2 && kept.length > 0);

// The code for a new cell, which a person opens, copies and closes by key: one run each is an anecdote.
function cellToCopy(details) {
  const [summary, cell] = details.children;
  details.addEventListener("toggle", () => {
    if (!details.open) return;
    cell.focus();
    cell.select();
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    event.preventDefault(); // that is its meaning here
    summary.focus(); // first: a focus that is closed with it goes to the page
    details.open = false;
  });
  return cell;
}

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

export default { render };
