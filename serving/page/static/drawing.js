// Draws the layers of a model as a graph, from the top to the bottom.

import { svg } from "./dom.js";

const [WIDTH, HEIGHT, ACROSS, DOWN, MARGIN] = [260, 40, 20, 26, 14];

/** Returns the row of each layer: a layer is below the layers before it, and an input is just above its first use. */
export function rowsOf(layers) {
  const rows = [];
  for (const { inputs } of layers) rows.push(Math.max(-1, ...inputs.map((at) => rows[at])) + 1);
  layers.forEach(({ inputs }, at) => {
    const uses = rows.filter((_, other) => layers[other].inputs.includes(at));
    if (!inputs.length && uses.length) rows[at] = Math.min(...uses) - 1;
  });
  return rows;
}

/** Returns a shape as text, such as "28 × 28 × 1". The number of examples is left out. */
export function shapeText(shapes) {
  return shapes.map((shape) => shape.slice(1).map((size) => size ?? "any").join(" × ") || "one value").join(", ");
}

/** Returns the drawing. `layers` is the list of the version's card. */
export function drawing(layers) {
  const rows = rowsOf(layers);
  const first = Math.min(...rows);
  const counts = new Map(), columns = rows.map((row) => {
    counts.set(row, (counts.get(row) ?? 0) + 1);
    return counts.get(row) - 1;
  });
  const wide = Math.max(...counts.values()) * (WIDTH + ACROSS) + 8 * ACROSS;
  const places = rows.map((row, at) => ({
    x: wide / 2 + (columns[at] - (counts.get(row) - 1) / 2) * (WIDTH + ACROSS),
    y: MARGIN + (row - first) * (HEIGHT + DOWN) + HEIGHT / 2,
  }));
  const high = Math.max(...places.map(({ y }) => y)) + HEIGHT / 2 + MARGIN;
  let skips = 0;
  const beside = (from, at) => (rows[at] - rows[from] > 1 && places[at].x === places[from].x ? WIDTH / 2 + 10 + 8 * (skips++ % 8) : 0);
  const lines = layers.flatMap(({ inputs }, at) => inputs.map((from) => line(places[from], places[at], beside(from, at))));
  return svg("svg", { class: "drawing", width: wide, height: high, viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": `${layers.length} layers` },
    lines, layers.map((layer, at) => box(layer, places[at])));
}

/** Returns a line. A line that skips layers goes around them, `beside` pixels from their middle. */
function line(from, to, beside) {
  const [start, end] = [from.y + HEIGHT / 2, to.y - HEIGHT / 2];
  const middle = (start + end) / 2, side = from.x + beside;
  return svg("path", { class: "flow", d: beside
    ? `M${from.x} ${start}C${from.x} ${start + DOWN} ${side} ${start} ${side} ${start + DOWN}L${side} ${end - DOWN}C${side} ${end} ${to.x} ${end - DOWN} ${to.x} ${end}`
    : `M${from.x} ${start}C${from.x} ${middle} ${to.x} ${middle} ${to.x} ${end}` });
}

function box({ name, type, shapes, parameters, group }, { x, y }) {
  const left = x - WIDTH / 2;
  const text = (dy, kind, content) => svg("text", { class: kind, x: left + 10, y: y + dy }, clipped(content));
  const size = shapeText(shapes) + (parameters ? `, ${parameters.toLocaleString("en")} parameters` : "");
  return svg("g", {},
    svg("title", {}, `${group ? `${group}/` : ""}${name}: ${type}, ${size}`),
    svg("rect", { class: group ? "layer inner" : "layer", x: left, y: y - HEIGHT / 2, width: WIDTH, height: HEIGHT, rx: 6 }),
    text(-3, "type", `${type} ${group ? `(${group})` : ""}`),
    text(12, "", size));
}

function clipped(text) {
  return text.length > 38 ? `${text.slice(0, 37)}…` : text;
}
