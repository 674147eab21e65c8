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
  root.addEventListener("keydown", (event) => event.stopPropagation());
  return root;
}

export function escaped(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

// A button calls what it is for, unless it is idle. Not `disabled`: that throws the focus off the button that was
// pressed, and keys then go to the page.
export function onPress(button, act) {
  button.addEventListener("click", () => button.getAttribute("aria-disabled") === "true" || act());
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
  return `${symbol} <input type="range" name="${name} slider" min="${least}" max="${scale.top}" aria-label="${symbol}, logarithmic">
    <input type="number" name="${name}" min="0" step="0.01" aria-label="${symbol}, exact">`;
}

// Number fields by name: {shown, change, valid, expected, scale}: what is shown, the change, is it valid, what is
// expected, and the scale of a slider beside it, if there is one. Answers what shows them all.
export function numberFields(root, fields, change, say) {
  const named = (name) => root.querySelector(`[name="${name}"]`);
  const show = (lost) => {
    const focused = root.getRootNode().activeElement;
    for (const [name, { shown, scale }] of Object.entries(fields)) {
      if (scale) {
        named(`${name} slider`).value = scale.position(shown());
        named(`${name} slider`).setAttribute("aria-valuetext", short(shown()));
      }
      if (named(name) === focused && !lost) continue; // someone is typing there
      named(name).value = shown();
      named(name).removeAttribute("aria-invalid");
    }
  };
  for (const [name, field] of Object.entries(fields)) {
    named(name).addEventListener("input", ({ target }) => {
      const value = decimal(target.value), ok = field.valid(value);
      target.setAttribute("aria-invalid", !ok);
      if (ok) change(field.change(value));
      else say(`Expected ${field.expected}. Nothing was changed.`);
    });
    named(name).addEventListener("blur", () => show());
    if (field.scale) {
      named(`${name} slider`).addEventListener("input", ({ target }) => change(field.change(field.scale.value(Number(target.value)))));
    }
  }
  return show;
}

// A point that is moved: drag its handle, click the picture, or arrow keys. at() is where it stands in pixels of the
// canvas, value() in numbers; place(x, y) moves it to pixels, put([u, v]) to numbers; ended() is called when a drag ends.
// Answers: is it dragged?
export function movable(canvas, handle, { at, value, place, put, ended }) {
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
    put(way.map((d, i) => value()[i] + d * (event.shiftKey ? 0.5 : 0.05)));
  });
  return () => drag !== null;
}
