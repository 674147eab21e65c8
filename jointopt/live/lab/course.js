// How a control that is a function of the step goes on, as a small picture beside it.

import { clamp } from "../shared/numbers.js";

const [WIDTH, HEIGHT, PAD] = [72, 20, 3];

// A line through (steps, values), from 0 to the largest value, and where it stands at this step.
export function coursePath(steps, values, step) {
  const last = steps.at(-1) || 1, most = Math.max(...values) || 1;
  const x = (s) => PAD + ((WIDTH - 2 * PAD) * clamp(s, 0, last)) / last;
  const y = (v) => HEIGHT - PAD - ((HEIGHT - 2 * PAD) * v) / most;
  const after = steps.findIndex((s) => s >= step), i = after < 0 ? steps.length - 1 : after;
  const [from, to] = [Math.max(0, i - 1), i], gap = steps[to] - steps[from];
  const share = gap ? clamp((step - steps[from]) / gap, 0, 1) : 1;
  const here = values[from] + (values[to] - values[from]) * share;
  return {
    line: steps.map((s, k) => `${k ? "L" : "M"}${x(s).toFixed(1)} ${y(values[k]).toFixed(1)}`).join(""),
    dot: [x(step), y(here)],
  };
}

// The element for the control that the log knows by this name; it is hidden while that is a number.
export const courseOf = (name) => `<svg class="jo-course" data-course="${name}" hidden role="img"
  id="course-${Math.random().toString(36).slice(2)}" width="${WIDTH}" height="${HEIGHT}"
  viewBox="0 0 ${WIDTH} ${HEIGHT}"></svg>`;

export function showCourses(root, courses, step) {
  for (const svg of root.querySelectorAll("[data-course]")) {
    const course = courses[svg.dataset.course];
    svg.toggleAttribute("hidden", !course);
    const field = svg.parentElement.querySelector("input[type=text]");
    if (course) field.setAttribute("aria-describedby", svg.id);
    else if (field.getAttribute("aria-describedby") === svg.id) field.removeAttribute("aria-describedby");
    if (!course) continue;
    const { line, dot: [x, y] } = coursePath(course.steps, course.values, step);
    svg.setAttribute("aria-label", `changes with the step: ${course.words}`);
    svg.innerHTML = `<path d="${line}" fill="none" stroke="currentColor" stroke-width="1.5"/>
      <circle cx="${x}" cy="${y}" r="3" fill="currentColor"/>`;
  }
}
