// The live landscape of y = φ·θ·x: its controls. In front of this file widget.py puts common.js, settings.js,
// landscape_math.js (the arithmetic) and landscape_draw.js (the picture).

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
  const [canvas, handle] = [find("canvas"), find(".handle")];
  for (const [which, symbol] of [["both", "λ"], ["theta", "λ of θ"], ["phi", "λ of φ"]]) {
    find(`[data-weight="${which}"]`).innerHTML = `${symbol}
      <input type="range" name="slider ${which}" min="0" max="${SCALE.top}" aria-label="${symbol}, logarithmic">
      <input type="number" name="weight ${which}" min="0" step="0.01" aria-label="${symbol}, exact">`;
  }
  for (const plan in PLAN_WORDS) named("plan").add(new Option(PLAN_WORDS[plan], plan));

  const [say, hush] = speaker(find("[role=status]"));
  const settings = sharedSettings(model, SETTINGS, (lost) => { show(lost); ask(); });
  const { state, change } = settings;
  let plot = null;
  let frame = 0;
  let changedAt = 0;

  // --- the picture
  function ask() {
    changedAt ||= performance.now();
    frame ||= requestAnimationFrame(redraw);
  }
  function redraw() {
    frame = 0;
    if (!canvas.parentElement.clientWidth) return;
    const reach = dragged() ? plot.reach : Math.max(2.5, 0.4 + Math.max(...state.start.map(Math.abs)));
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
    say(settings.line(words));
    const ends = drawn.ends.map(({ plan, point, J }) => [plan, [...point, J]]);
    root.dataset.ends = JSON.stringify(Object.fromEntries(ends)); // plan: [θ, φ, J]
    root.dataset.ms = performance.now() - changedAt; // from the change until it is drawn
    root.dataset.draws = Number(root.dataset.draws || 0) + 1;
    changedAt = 0;
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
  const NUMBERS = {
    "weight both": weightNumber("both", 0), "weight theta": weightNumber("theta", 0), "weight phi": weightNumber("phi", 1),
    "start theta": [() => state.start[0], (x) => ({ start: [x, state.start[1]] }), isStart, `start: ${range}`],
    "start phi": [() => state.start[1], (x) => ({ start: [state.start[0], x] }), isStart, `start: ${range}`],
    lr: [() => state.lr, (lr) => ({ lr }), (x) => x > 0 && Number.isFinite(x), "learning rate: a number > 0"],
    steps: [() => state.steps, (steps) => ({ steps }), (x) => Number.isInteger(x) && x >= 1 && x <= MAX_STEPS,
      `steps: a whole number from 1 to ${MAX_STEPS}`],
  };
  const showNumbers = numberFields(root, NUMBERS, change, say);
  function show(lost) {
    showNumbers(lost);
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

  // --- the start point
  const dragged = movable(canvas, handle, {
    state, change, most: MAX_START, ended: ask,
    at: () => [plot.x(state.start[0]), plot.y(state.start[1])],
    point: (x, y) => [(x - plot.left) / plot.side * 2 - 1, 1 - (y - plot.top) / plot.side * 2].map((u) => u * plot.reach),
    limit: () => plot.reach - 0.4,
  });

  const stopWatching = onLookChange(root, ask);
  settings.pull();
  return () => {
    settings.close();
    stopWatching();
    cancelAnimationFrame(frame);
    hush();
  };
}

export default { render };
