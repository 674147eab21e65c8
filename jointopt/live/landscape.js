// The live landscape of y = φ·θ·x: its controls. In front of this file widget.py puts common.js, landscape_math.js
// (the arithmetic) and landscape_draw.js (the picture).

const SETTINGS = ["weight", "start", "plan", "frozen", "lr", "steps"];

const HTML = `
  <style>
    .jo-landscape { display: flex; flex-wrap: wrap; gap: 4px 20px; align-items: flex-start; }
    .jo-landscape .plot { position: relative; flex: 2 1 330px; max-width: 680px; min-width: 0; }
    .jo-landscape .side { flex: 1 1 270px; min-width: 0; font-size: 15px; }
    .jo-landscape .handle { position: absolute; width: 44px; height: 44px; margin: -22px 0 0 -22px; border-radius: 50%;
      cursor: grab; touch-action: none;
      background: radial-gradient(circle, var(--jo-paper) 8px, var(--jo-ink) 8.5px 11px, transparent 11.5px); }
    .jo-landscape fieldset { border: 0; border-top: 1px solid var(--jo-line); margin: 0; padding: 4px 0; }
    .jo-landscape legend { font-weight: 600; padding: 0 8px 0 0; }
    .jo-landscape input[type="range"] { flex: 1 1 110px; min-width: 90px; height: 30px; accent-color: #009e73; }
    .jo-landscape input[type="number"] { width: 84px; padding: 3px 6px; box-sizing: border-box; }
    .jo-landscape input[type="checkbox"] { width: 18px; height: 18px; vertical-align: -3px; }
    .jo-landscape [aria-invalid="true"] { outline: 3px solid #d55e00; }
    .jo-landscape [role="status"] { border-top: 1px solid var(--jo-line); margin: 0; padding: 8px 0; min-height: 4em;
      text-wrap: pretty; }
    .jo-landscape .formula { font-size: 16px; margin: 2px 0; }
    .jo-landscape .note { margin: 0 0 8px; }
    .jo-landscape [hidden] { display: none; }
  </style>
  <div class="plot">
    <canvas role="img"></canvas>
    <div class="handle" tabindex="0" role="slider" aria-label="start point" aria-valuemin="-10" aria-valuemax="10"
      title="Drag, or arrow keys (with Shift: larger steps)"></div>
  </div>
  <div class="side">
    <p class="formula"></p>
    <p class="note"></p>
    <fieldset><legend>weight λ of the regularizer</legend>
      <div class="jo-row" data-weight="both"></div>
      <div class="jo-row" data-weight="theta"></div>
      <div class="jo-row" data-weight="phi"></div>
      <label><input type="checkbox" name="separate"> separate λ for θ and φ</label>
    </fieldset>
    <fieldset><legend>path</legend>
      <div class="jo-row"><label>plan <select name="plan"></select></label></div>
      <div class="jo-row"><label><input type="checkbox" name="freeze theta"> freeze θ</label>
        <label><input type="checkbox" name="freeze phi"> freeze φ</label></div>
      <div class="jo-row"><label>start θ <input type="number" name="start theta" step="0.1"></label>
        <label>φ <input type="number" name="start phi" step="0.1"></label></div>
      <div class="jo-row"><label>learning rate <input type="number" name="lr" step="0.01"></label>
        <label>steps <input type="number" name="steps" step="10"></label></div>
    </fieldset>
    <p role="status" aria-live="polite"></p>
  </div>`;

const SCALE = weightScale(-3, 1, 20);

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "jo jo-landscape";
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Landscape of the objective");
  root.innerHTML = HTML;
  el.append(root);
  keepKeys(root);
  const find = (selector) => root.querySelector(selector);
  const named = (name) => find(`[name="${name}"]`);
  const [canvas, handle, status] = [find("canvas"), find(".handle"), find("[role=status]")];
  for (const [which, symbol] of [["both", "λ"], ["theta", "λ of θ"], ["phi", "λ of φ"]]) {
    find(`[data-weight="${which}"]`).innerHTML = `${symbol}
      <input type="range" name="slider ${which}" min="0" max="${SCALE.top}" aria-label="${symbol}, logarithmic">
      <input type="number" name="weight ${which}" min="0" step="0.01" aria-label="${symbol}, exact">`;
  }
  for (const plan in PLAN_WORDS) named("plan").add(new Option(PLAN_WORDS[plan], plan));

  const state = {};
  let plot = null;
  let drag = null; // where on the handle it was taken hold of
  let frame = 0;
  let changedAt = 0;

  // --- browser to kernel: messages, at most ten a second; until the last is answered, the kernel's echo is old news
  const me = Math.random().toString(36).slice(2);
  let [count, pending, timer, waitingFor, refusal] = [0, {}, 0, null, ""];
  function change(changes) {
    Object.assign(state, changes);
    Object.assign(pending, changes);
    waitingFor = `${me}.${++count}`;
    for (const name in changes) model.set(name, changes[name]); // for other views of the same model
    timer ||= setTimeout(send, 100);
    show();
    ask();
  }
  function send() {
    if (!timer) return;
    const changes = pending;
    clearTimeout(timer);
    [timer, pending] = [0, {}];
    try {
      model.send({ id: waitingFor, set: changes });
    } catch { /* there is no kernel any more, and none is needed */ }
  }
  function onMessage(message) {
    if (message.ack !== waitingFor) return;
    waitingFor = null;
    refusal = message.error || "";
    pull();
  }
  function pull() {
    if (waitingFor) return;
    for (const name of SETTINGS) state[name] = model.get(name);
    show();
    ask();
  }

  // --- the picture
  function ask() {
    changedAt ||= performance.now();
    frame ||= requestAnimationFrame(redraw);
  }
  function redraw() {
    frame = 0;
    if (!canvas.parentElement.clientWidth) return;
    const reach = drag ? plot.reach : Math.max(2.5, 0.4 + Math.max(...state.start.map(Math.abs)));
    const drawn = draw(canvas, state, reach);
    plot = drawn.plot;
    const words = wordsOf(state, drawn.ends);
    const [theta, phi] = state.start;
    handle.style.left = `${plot.x(theta)}px`;
    handle.style.top = `${plot.y(phi)}px`;
    handle.setAttribute("aria-valuenow", theta);
    handle.setAttribute("aria-valuetext", `theta ${two(theta)}, phi ${two(phi)}`);
    const found = wordsOfMinima(state.weight);
    find(".formula").textContent = formula(state.weight);
    find(".note").textContent = found;
    const from = `theta ${two(theta)}, phi ${two(phi)}`;
    canvas.setAttribute("aria-label", `Contours of J over theta and phi. ${found} From ${from}: ${words}`);
    say(refusal || words);
    refusal = "";
    const ends = drawn.ends.map(({ plan, point, J }) => [plan, [...point, J]]);
    root.dataset.ends = JSON.stringify(Object.fromEntries(ends)); // plan: [θ, φ, J]
    root.dataset.ms = performance.now() - changedAt; // from the change until it is drawn
    root.dataset.draws = Number(root.dataset.draws || 0) + 1;
    changedAt = 0;
  }

  // --- words: at most twice a second, so that a screen reader can follow
  let [toSay, saying] = ["", 0];
  function say(words) {
    toSay = words;
    saying ||= setTimeout(() => { saying = 0; if (status.textContent !== toSay) status.textContent = toSay; }, 500);
  }

  // --- the controls
  const range = `two numbers from -${MAX_START} to ${MAX_START}`;
  const weightChange = (which, x) => {
    const pair = [...both(state.weight)];
    if (which !== "both") pair[which === "phi" ? 1 : 0] = x;
    return { weight: which === "both" ? x : pair };
  };
  const isWeight = (x) => x >= 0 && Number.isFinite(x);
  const isStart = (x) => Math.abs(x) <= MAX_START;
  const weightNumber = (which, i) => [() => both(state.weight)[i], (x) => weightChange(which, x), isWeight, "λ: a number ≥ 0"];
  const NUMBERS = { // name: [what is shown, the change, is it valid, what is expected]
    "weight both": weightNumber("both", 0), "weight theta": weightNumber("theta", 0), "weight phi": weightNumber("phi", 1),
    "start theta": [() => state.start[0], (x) => ({ start: [x, state.start[1]] }), isStart, `start: ${range}`],
    "start phi": [() => state.start[1], (x) => ({ start: [state.start[0], x] }), isStart, `start: ${range}`],
    lr: [() => state.lr, (lr) => ({ lr }), (x) => x > 0 && Number.isFinite(x), "learning rate: a number > 0"],
    steps: [() => state.steps, (steps) => ({ steps }), (x) => Number.isInteger(x) && x >= 1 && x <= MAX_STEPS,
      `steps: a whole number from 1 to ${MAX_STEPS}`],
  };
  function show() {
    const focused = root.getRootNode().activeElement;
    for (const name in NUMBERS) {
      if (named(name) === focused) continue; // someone is typing there
      named(name).value = NUMBERS[name][0]();
      named(name).removeAttribute("aria-invalid");
    }
    const separate = Array.isArray(state.weight);
    named("separate").checked = separate;
    for (const which of ["both", "theta", "phi"]) {
      const weight = NUMBERS[`weight ${which}`][0]();
      named(`slider ${which}`).value = SCALE.position(weight);
      named(`slider ${which}`).setAttribute("aria-valuetext", short(weight));
      find(`[data-weight="${which}"]`).hidden = separate === (which === "both");
    }
    named("plan").value = state.plan;
    for (const name of ["theta", "phi"]) named(`freeze ${name}`).checked = state.frozen.includes(name);
  }
  for (const name in NUMBERS) {
    const [, toChange, valid, expected] = NUMBERS[name];
    named(name).addEventListener("input", ({ target }) => {
      const ok = target.value !== "" && valid(Number(target.value));
      target.setAttribute("aria-invalid", !ok);
      if (ok) change(toChange(Number(target.value)));
      else say(`Expected ${expected}. Nothing was changed.`);
    });
    named(name).addEventListener("blur", show);
  }
  for (const which of ["both", "theta", "phi"]) {
    named(`slider ${which}`).addEventListener("input", ({ target }) => {
      change(weightChange(which, SCALE.value(Number(target.value))));
    });
  }
  named("separate").addEventListener("change", ({ target }) => {
    const pair = both(state.weight);
    change({ weight: target.checked ? [...pair] : pair[0] });
  });
  named("plan").addEventListener("change", ({ target }) => change({ plan: target.value }));
  for (const name of ["theta", "phi"]) {
    named(`freeze ${name}`).addEventListener("change", () => {
      change({ frozen: ["theta", "phi"].filter((each) => named(`freeze ${each}`).checked) });
    });
  }

  // --- the start point: drag, click or arrow keys
  const place = (x, y) => { // from pixels of the picture
    const at = [(x - plot.left) / plot.side * 2 - 1, 1 - (y - plot.top) / plot.side * 2];
    change({ start: at.map((u) => Number(clamp(u * plot.reach, 0.4 - plot.reach, plot.reach - 0.4).toFixed(2))) });
  };
  const local = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  handle.addEventListener("pointerdown", (event) => {
    const [x, y] = local(event);
    drag = [x - plot.x(state.start[0]), y - plot.y(state.start[1])];
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [x, y] = local(event);
    place(x - drag[0], y - drag[1]);
  });
  for (const type of ["pointerup", "pointercancel"]) handle.addEventListener(type, () => { drag = null; ask(); });
  canvas.addEventListener("click", (event) => place(...local(event)));
  handle.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const by = event.shiftKey ? 0.5 : 0.05;
    change({ start: way.map((d, i) => Number(clamp(state.start[i] + d * by, -MAX_START, MAX_START).toFixed(2))) });
  });

  for (const name of SETTINGS) model.on(`change:${name}`, pull);
  model.on("msg:custom", onMessage);
  const stopWatching = onLookChange(root, ask);
  pull();
  return () => {
    send();
    stopWatching();
    cancelAnimationFrame(frame);
    clearTimeout(saying);
    for (const name of SETTINGS) model.off(`change:${name}`, pull);
    model.off("msg:custom", onMessage);
  };
}

export default { render };
