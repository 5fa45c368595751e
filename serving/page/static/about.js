// Shows what a version's card says: the formula, the figures, the pictures of the training, and the layers.

import { h } from "./dom.js";
import { drawing, shapeText } from "./drawing.js";

const [MAX_LAYERS, MAX_INPUTS, MAX_FIGURES, MAX_PICTURES] = [500, 16, 50, 12];

/** Returns the sections of the card. `about` is the answer of /models/NAME/versions/N/card. It may be anybody's file. */
export function sections(about) {
  const { formula, figures = [], data, pictures = [], layers = [], parameters } = about;
  return [
    () => figures.length && box(`Measured on test examples of ${data}`, table(figures.slice(0, MAX_FIGURES))),
    () => pictures.length && box("Pictures of the training", h("div", { class: "shots" }, pictures.slice(0, MAX_PICTURES).map(picture))),
    () => formula && box("Formula", h("pre", { tabindex: 0 }, String(formula))),
    () => layers.length && box(`Layers: ${Number(parameters).toLocaleString("en")} parameters`, ...graph(layers.slice(0, MAX_LAYERS).map(shortened))),
  ].map(attempt).filter(Boolean);
}

function shortened(layer, at) {
  const inputs = layer.inputs.slice(0, MAX_INPUTS).filter((from) => Number.isInteger(from) && from >= 0 && from < at);
  return { ...layer, inputs, shapes: layer.shapes.slice(0, MAX_INPUTS).map((shape) => shape.slice(0, MAX_INPUTS)) };
}

/** Returns the section, or null if the card has something else in its place. */
function attempt(section) {
  try {
    return section();
  } catch {
    return null;
  }
}

function graph(layers) {
  return [h("div", { class: "graph", tabindex: 0 }, drawing(layers)), h("details", {}, h("summary", {}, "As a table"), layerTable(layers))];
}

function box(title, ...content) {
  return h("section", { class: "box" }, h("h3", {}, title), ...content);
}

function table(figures) {
  const row = ({ words, value, yardsticks }) => h("tr", {}, h("th", { scope: "row" }, words), h("td", { class: "first" }, value),
    h("td", {}, yardsticks.slice(0, MAX_INPUTS).map(([method, other]) => `${method}: ${other}`).join("; ") || "–"));
  const titles = ["figure", "this model", "simple methods"].map((title) => h("th", { scope: "col" }, title));
  return h("table", {}, h("thead", {}, h("tr", {}, titles)), h("tbody", {}, figures.map(row)));
}

/** A click makes a picture as wide as the page. */
function picture({ title, png }) {
  const source = /^[A-Za-z0-9+/=]+$/.test(png) ? `data:image/png;base64,${png}` : "";
  const button = h("button", { type: "button", "aria-pressed": "false", "aria-label": `${title}: larger`, click: () => {
    const isLarge = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!isLarge));
  } }, h("img", { src: source, alt: title, loading: "lazy" }));
  return h("figure", {}, button, h("figcaption", {}, title));
}

function layerTable(layers) {
  const titles = ["layer", "type", "output", "parameters"].map((title) => h("th", { scope: "col" }, title));
  const rows = layers.map(({ name, type, shapes, parameters, group }) => h("tr", {},
    [`${group ? `${group}/` : ""}${name}`, type, shapeText(shapes), parameters.toLocaleString("en")].map((text) => h("td", {}, text))));
  return h("table", {}, h("thead", {}, h("tr", {}, titles)), h("tbody", {}, rows));
}
