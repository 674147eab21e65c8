// What the views' controls have in common.

import { decimal, short } from "./numbers.js";

// The element of a view, in which it keeps the keys: JupyterLab's shortcuts listen above it, and without this arrow
// keys never reach a slider and "a" inserts a cell.
export function rootOf(kind, html, label) {
  const root = document.createElement("div");
  root.className = `jo jo-${kind}`;
  if (label) {
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", label);
  }
  root.innerHTML = html;
  root.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const { key, target } = event;
    if (key === "Escape" && !event.defaultPrevented) goBack(root, target);
    // Of no use there, these would scroll what is around the view.
    if (/^Arrow(Left|Right)$/.test(key) && target.matches("button, summary, [type=checkbox]")) event.preventDefault();
  });
  return root;
}

// With Escape, unless it has a meaning where it is pressed, the focus goes back to what is around the view and can have
// it, as a notebook's cell: the keys of the page work again.
function goBack(root, target) {
  const around = root.parentElement.closest("[tabindex]");
  if (around) around.focus({ preventScroll: true });
  else target.blur();
}

// With Escape a text field shows its defaultValue again, if it shows anything else: that is its meaning there.
export function undoOnEscape(root) {
  root.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (key !== "Escape" || !target.matches("input[type=text]") || target.value === target.defaultValue) return;
    event.preventDefault();
    target.value = target.defaultValue;
    target.dispatchEvent(new Event("input"));
  }, true);
}

// A compact layout: where the lab was made with view="slide", or the page asks for it by --jo-view, as slides do.
export function layOut(root, view) {
  if (view === "slide") root.style.setProperty("--jo-type", "18px");
  const asked = view || getComputedStyle(root).getPropertyValue("--jo-view").trim();
  root.classList.toggle("jo-slide", asked === "slide");
}

export function escaped(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

// What one view of a lab tells the other: two views of one page. [say it, hear it]
const told = (type) => [
  (lab, what) => document.dispatchEvent(new CustomEvent(type, { detail: { lab, what } })),
  (lab, hear) => {
    const listen = ({ detail }) => detail.lab === lab && hear(detail.what);
    document.addEventListener(type, listen);
    return () => document.removeEventListener(type, listen);
  },
];
export const [pickStep, onStep] = told("jointopt-step"); // that was clicked on the curves
export const [markStep, onMark] = told("jointopt-mark"); // that the curves are to mark, or null
export const [sayNews, onNews] = told("jointopt-news"); // for the bar of the controls: { now, html }

// A button calls what it is for, unless it is idle. Not `disabled`: that throws the focus off the button that was
// pressed, and keys then go to the page.
export function onPress(button, act) {
  button.addEventListener("click", () => button.getAttribute("aria-disabled") === "true" || act());
}

// A button that acts at once, or, where question() has words, shows them in `asks` and acts when it is pressed again.
// It stops asking when anything else in the root is used, with Escape, or after a while. A double click is one press,
// and so is a key that is held.
const ASKS_FOR = 8000, DOUBLE = 500; // ms
export function onConfirm(root, button, asks, question, act) {
  const label = button.textContent;
  let [asked, timer, pressed] = [false, null, -Infinity];
  const stop = () => {
    clearTimeout(timer);
    if (asked) [button.textContent, asks.textContent, asked] = [label, "", false];
  };
  onPress(button, () => {
    if (Date.now() - pressed < DOUBLE) return;
    pressed = Date.now();
    const words = !asked && question();
    stop();
    if (!words) return act(label);
    [button.textContent, asks.textContent, asked] = ["Sure?", words, true];
    timer = setTimeout(stop, ASKS_FOR);
  });
  for (const type of ["pointerdown", "keydown", "input"])
    root.addEventListener(type, (event) => {
      if (asked && event.key === "Escape") event.preventDefault(); // that is its meaning now
      if (event.target !== button || event.key === "Escape") stop();
      else if (event.repeat) event.preventDefault();
    }, true);
  return stop;
}

// Which of the buttons are idle: { what it does: is it }.
export function setIdle(root, idle) {
  for (const what in idle) root.querySelector(`[data-do=${what}]`).setAttribute("aria-disabled", Boolean(idle[what]));
}

export function setSlider(slider, scale, value) {
  slider.value = scale.position(value);
  slider.setAttribute("aria-valuetext", short(value));
}

// Puts words into an element at most twice a second, so that a screen reader can follow.
export function speaker(element) {
  let [toSay, saying] = ["", 0];
  const say = (words) => {
    toSay = words;
    saying ||= setTimeout(() => { saying = 0; if (element.textContent !== toSay) element.textContent = toSay; }, 500);
  };
  return [say, () => clearTimeout(saying)];
}

// A slider on a logarithmic scale, and a field for the exact number.
export function weightField(name, symbol, scale, least = 0) {
  return `${symbol}
    <input type="range" name="${name} slider" min="${least}" max="${scale.top}" aria-label="${symbol}, logarithmic">
    <input type="number" name="${name}" min="0" step="0.01" aria-label="${symbol}, exact">`;
}

// Number fields by name, for these settings: { valid, expected }: is a number valid, and what is; where a field is not
// one setting whole, { shown, change }: what is shown, and the change of settings; { scale } where it has a slider.
// Answers what shows them all. `ask` has the view drawn again.
export function numberFields(root, state, fields, change, say, ask) {
  const named = (name) => root.querySelector(`[name="${name}"]`);
  const shown = (name) => (fields[name].shown || (() => state[name]))();
  const changeTo = (name, value) => change((fields[name].change || (() => ({ [name]: value })))(value));
  const show = (lost) => {
    const focused = root.getRootNode().activeElement;
    for (const [name, { scale }] of Object.entries(fields)) {
      if (scale) setSlider(named(`${name} slider`), scale, shown(name));
      if (named(name) === focused && !lost) continue; // someone is typing there
      named(name).value = shown(name);
      named(name).removeAttribute("aria-invalid");
    }
  };
  for (const [name, { valid, expected, scale }] of Object.entries(fields)) {
    named(name).addEventListener("input", ({ target }) => {
      const value = decimal(target.value), ok = valid(value);
      target.setAttribute("aria-invalid", !ok);
      if (ok) changeTo(name, value);
      else say(`Expected ${expected}. Nothing was changed.`);
    });
    named(name).addEventListener("blur", ({ target }) => {
      const wrong = target.getAttribute("aria-invalid") === "true";
      show();
      if (wrong) ask(); // the line still says what is expected there
    });
    if (scale) {
      const slider = named(`${name} slider`);
      slider.addEventListener("input", () => changeTo(name, scale.value(Number(slider.value))));
    }
  }
  return show;
}

// A point that is moved: drag its handle, click the picture, or arrow keys. at() is where it is, in pixels of the
// canvas; place(x, y) moves it there, push([u, v]) by so much; ended() is called when a drag ends. Answers what says
// whether it is dragged.
export function movable(canvas, handle, { at, place, push, ended }) {
  let drag = null; // where on the handle it was taken hold of
  const local = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  handle.addEventListener("pointerdown", (event) => {
    drag = local(event).map((u, i) => u - at()[i]);
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", (event) => {
    if (drag) place(...local(event).map((u, i) => u - drag[i]));
  });
  for (const type of ["pointerup", "pointercancel"]) handle.addEventListener(type, () => { drag = null; ended(); });
  canvas.addEventListener("click", (event) => place(...local(event)));
  handle.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way) return;
    event.preventDefault();
    push(way.map((d) => d * (event.shiftKey ? 0.5 : 0.05)));
  });
  return () => drag !== null;
}
