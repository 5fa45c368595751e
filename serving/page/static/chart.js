// Draws a series and a forecast as an SVG chart.

import { short, svg } from "./dom.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [560, 220, 48, 10, 10, 24];

/** Returns [{x, y}] → text of points, with a linear scale that `frame` computes. */
export function scale(series) {
  const values = series.flatMap(({ points }) => points.map(([, y]) => y)).filter(Number.isFinite);
  const steps = series.flatMap(({ points }) => points.map(([x]) => x));
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  const span = most - least || 1;
  return {
    least, most, first, last,
    x: (step) => LEFT + ((step - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT),
    y: (value) => HEIGHT - BOTTOM - ((value - least) / span) * (HEIGHT - TOP - BOTTOM),
  };
}

/** Returns a chart. `series` is a list of {name, kind, points}; a point is [step, value]. */
export function chart(title, series) {
  const { least, most, first, last, x, y } = scale(series);
  const tick = (value) => svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short(value));
  const line = ({ kind, points, name }) =>
    svg("polyline", { class: `line ${kind}`, points: points.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" ") },
      svg("title", {}, name));
  return svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title },
    svg("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }),
    svg("line", { class: "axis", x1: LEFT, x2: LEFT, y1: TOP, y2: HEIGHT - BOTTOM }),
    tick(least), most === least ? null : tick(most),
    svg("text", { x: LEFT, y: HEIGHT - 6 }, `step ${first}`),
    svg("text", { x: WIDTH - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, `step ${last}`),
    series.map(line),
  );
}

/** Returns a chart with a column for each value, from 0. The column under the pointer says its number and value. */
export function columns(title, values) {
  const [least, most] = [Math.min(0, ...values), Math.max(0, ...values)];
  const y = (value) => HEIGHT - BOTTOM - ((value - least) / (most - least || 1)) * (HEIGHT - TOP - BOTTOM);
  const wide = (WIDTH - LEFT - RIGHT) / values.length;
  return svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title },
    [...new Set([least, 0, most])].map((value) => svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short(value))),
    values.map((value, at) => svg("g", {}, svg("title", {}, `${at + 1}: ${short(value)}`),
      svg("rect", { class: "under", x: LEFT + at * wide, y: TOP, width: wide, height: HEIGHT - TOP - BOTTOM }),
      svg("rect", { class: value < 0 ? "column minus" : "column", x: LEFT + (at + 0.1) * wide, y: Math.min(y(value), y(0)), width: 0.8 * wide,
        height: Math.abs(y(value) - y(0)) }))),
    svg("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: y(0), y2: y(0) }),
    svg("text", { x: LEFT, y: HEIGHT - 6 }, "1"),
    svg("text", { x: WIDTH - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, String(values.length)),
  );
}

/** Returns a line from 0 on which a score and its threshold are marked. */
export function gauge(score, threshold) {
  const most = Math.max(score, threshold) * 1.25 || 1;
  const x = (value) => 10 + (Math.max(0, value) / most) * 380;
  return svg("svg", { class: "chart", viewBox: "0 0 400 54", role: "img", "aria-label": `score ${short(score)}, threshold ${short(threshold)}` },
    svg("rect", { class: "band", x: 10, y: 14, width: 380, height: 12, rx: 3 }),
    svg("rect", { class: "score", x: 10, y: 14, width: Math.max(0, x(score) - 10), height: 12, rx: 3 }),
    svg("line", { class: "limit", x1: x(threshold), x2: x(threshold), y1: 8, y2: 32 }),
    svg("text", { x: x(threshold), y: 46, "text-anchor": x(threshold) > 300 ? "end" : "middle" }, `threshold ${short(threshold)}`),
  );
}
