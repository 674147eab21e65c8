const HTML = `
  <style>
    .jo-landscape { display: flex; flex-wrap: wrap; gap: 4px 20px; align-items: flex-start; }
    .jo-landscape .plot { position: relative; flex: 2 1 330px; max-width: 680px; min-width: 0; }
    .jo-landscape .side { flex: 1 1 270px; min-width: 0; font-size: 15px; }
    .jo-landscape .handle { position: absolute; width: 44px; height: 44px; margin: -22px 0 0 -22px; border-radius: 50%;
      cursor: grab; touch-action: none; background: radial-gradient(circle, var(--jo-paper) 8px, var(--jo-ink) 8.5px 11px, transparent 11.5px); }
    .jo-landscape fieldset { border: 0; border-top: 1px solid var(--jo-line); margin: 0; padding: 4px 0; }
    .jo-landscape legend { font-weight: 600; padding: 0 8px 0 0; }
    .jo-landscape input[type="range"] { flex: 1 1 110px; min-width: 90px; height: 30px; accent-color: #009e73; }
    .jo-landscape input[type="number"] { width: 84px; padding: 3px 6px; box-sizing: border-box; }
    .jo-landscape input[type="checkbox"] { width: 18px; height: 18px; vertical-align: -3px; }
    .jo-landscape [aria-invalid="true"] { outline: 3px solid #d55e00; }
    .jo-landscape [role="status"] { border-top: 1px solid var(--jo-line); margin: 0; padding: 8px 0; min-height: 4em; }
    .jo-landscape .formula { font-size: 16px; margin: 2px 0 8px; }
  </style>
  <div class="plot">
    <canvas role="img"></canvas>
    <div class="handle" tabindex="0" role="slider" aria-label="start point" aria-valuemin="-10" aria-valuemax="10"
      title="Drag, or arrow keys (with Shift: larger steps)"></div>
  </div>
  <div class="side">
    <p class="formula"></p>
    <fieldset><legend>weight λ of the regularizer</legend>
      <div class="jo-row" data-weight="both"></div><div class="jo-row" data-weight="theta"></div><div class="jo-row" data-weight="phi"></div>
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

// The slider of λ: position 0 is λ = 0, then equal factors from 0.001 to 10, twenty a decade.
const toWeight = (position) => (position === 0 ? 0 : Number((10 ** ((position - 1) / 20 - 3)).toPrecision(3)));
const toPosition = (weight) => (weight <= 0 ? 0 : Math.min(81, Math.max(1, Math.round(20 * (Math.log10(weight) + 3)) + 1)));
