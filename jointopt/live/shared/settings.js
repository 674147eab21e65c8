// What a view of settings (settings.py) has besides common.js: settings that the kernel shares, number fields, a line
// of words, a handle that is moved by pointer and keys, and marks on a canvas.

const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const two = (x) => x.toFixed(2).replace("-", "−");

// The settings of these names, which the kernel shares; `changed` is called after each change, on whichever side, with
// whether one was lost on its way.
// Browser to kernel: messages, at most ten a second; until the last is answered, the kernel's echo is old news.
function sharedSettings(model, names, changed) {
  const state = {};
  let [pending, timer, news, answered] = [{}, 0, "", false];
  const mail = mailbox(model, (words, lost) => {
    [news, answered] = [news || words, true];
    pull(lost);
  });
  const asking = setInterval(() => {
    if (!mail.waiting().length) return;
    mail.ask();
    changed(); // the line says that it waits
  }, 1000);
  function change(changes) {
    Object.assign(state, changes);
    Object.assign(pending, changes);
    news = "";
    timer ||= setTimeout(send, 100);
    for (const name in changes) model.set(name, changes[name]); // for other views of the same model
    changed();
  }
  function send() {
    if (!timer) return;
    const changes = pending;
    clearTimeout(timer);
    [timer, pending] = [0, {}];
    const words = Object.entries(changes).map(([name, value]) => `${name} ${value}`).join(", ");
    mail.send(Object.keys(changes).join(), words, { set: changes });
  }
  function pull(lost) {
    if (timer || mail.waiting().length) return;
    for (const name of names) state[name] = model.get(name);
    changed(lost === true); // as a listener it is called with something else
  }
  for (const name of names) model.on(`change:${name}`, pull);
  function close() {
    send();
    clearInterval(asking);
    for (const name of names) model.off(`change:${name}`, pull);
    mail.close();
  }
  // The words for the view's line: what was refused or lost since the last change, its own, and what the kernel does not
  // have yet. A page without a kernel waits for nothing.
  function line(words) {
    const waiting = answered ? mail.waiting().map(([, each]) => each) : [];
    return [news, words, waiting.length && `Waiting for the kernel: ${waiting.join(", ")}.`].filter(Boolean).join(" ");
  }
  return { state, change, pull, line, close };
}

// Puts words into an element at most twice a second, so that a screen reader can follow.
function speaker(element) {
  let [toSay, saying] = ["", 0];
  const say = (words) => {
    toSay = words;
    saying ||= setTimeout(() => { saying = 0; if (element.textContent !== toSay) element.textContent = toSay; }, 500);
  };
  return [say, () => clearTimeout(saying)];
}

// Number fields by name: [what is shown, the change, is it valid, what is expected]. Answers what shows them all.
function numberFields(root, fields, change, say) {
  const named = (name) => root.querySelector(`[name="${name}"]`);
  const show = (lost) => {
    const focused = root.getRootNode().activeElement;
    for (const name in fields) {
      if (named(name) === focused && !lost) continue; // someone is typing there
      named(name).value = fields[name][0]();
      named(name).removeAttribute("aria-invalid");
    }
  };
  for (const name in fields) {
    const [, toChange, valid, expected] = fields[name];
    named(name).addEventListener("input", ({ target }) => {
      const value = decimal(target.value), ok = valid(value);
      target.setAttribute("aria-invalid", !ok);
      if (ok) change(toChange(value));
      else say(`Expected ${expected}. Nothing was changed.`);
    });
    named(name).addEventListener("blur", () => show());
  }
  return show;
}

// Move the start point, state.start: drag the handle, click the picture, or arrow keys. at() is where it stands in
// pixels of the canvas; point(x, y) is what lies there, limit() the most that pointer and click may set, most the most
// that the keys may; ended() is called when a drag ends. Answers: is it dragged?
function movable(canvas, handle, { state, change, at, point, limit, most, ended }) {
  const startAt = (start, limit) => change({ start: start.map((u) => Number(clamp(u, -limit, limit).toFixed(2))) });
  const place = (x, y) => startAt(point(x, y), limit());
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
    startAt(way.map((d, i) => state.start[i] + d * (event.shiftKey ? 0.5 : 0.05)), most);
  });
  return () => drag !== null;
}

// Words with a halo, so that they can be read on top of lines.
function write(g, words, x, y, colors, align = "left") {
  g.textAlign = align;
  g.setLineDash([]);
  g.lineJoin = "round";
  g.lineWidth = 4;
  g.strokeStyle = colors.paper;
  g.strokeText(words, x, y);
  g.fillStyle = colors.ink;
  g.fillText(words, x, y);
}

function drawMarker(g, shape, x, y, r, colors) {
  const corners = { square: [4, 45, 1.2], triangle: [3, -90, 1.35], diamond: [4, 0, 1.3], star: [10, -90, 1.5] }[shape];
  g.beginPath();
  if (!corners) g.arc(x, y, r, 0, 7);
  for (let i = 0; corners && i < corners[0]; i++) {
    const angle = (corners[1] + i * 360 / corners[0]) * Math.PI / 180;
    const size = r * corners[2] * (shape === "star" && i % 2 ? 0.45 : 1);
    g.lineTo(x + size * Math.cos(angle), y + size * Math.sin(angle));
  }
  g.closePath();
  g.setLineDash([]);
  g.lineWidth = 2;
  g.fillStyle = colors.paper;
  g.strokeStyle = colors.ink;
  g.fill();
  g.stroke();
}
