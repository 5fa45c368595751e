// The form fields for the inputs of a signature. A field is {element, read, isLive, isReady}; `read` returns the value to
// send. The model is asked at each change if all fields are live, and at first if all have a value.

import { readSeries } from "./csv.js";
import { h, labelled, short, svg } from "./dom.js";
import { dropArea, pictureField } from "./picture.js";
import { generator } from "./pixels.js";
import { MAX_VALUES, example, inputKind, outputKind, taskOf, valuesIn } from "./signatures.js";

const MAX_EXAMPLE = 1000; // lines of an example

/**
 * Returns the field of an input. `context` is {signature, signatures, changed, start, inputs}: `start` is a value or
 * undefined, and `inputs` are the example inputs of the version's card.
 */
export function field(spec, context) {
  return FIELDS[inputKind(spec)](spec, context);
}

const FIELDS = { file: picture, picture, category, number, integer, columns, bars, text, series, json };

function picture(spec, { signature, signatures, changed }) {
  const isFile = inputKind(spec) === "file";
  const prepared = spec.note?.preparation;
  const twin = signatures.flatMap(({ inputs }) => inputs).find((each) => inputKind(each) === "picture");
  const trained = [prepared?.height, prepared?.width, prepared?.channels];
  const isKnown = trained.every((size) => size > 0) && valuesIn(trained) < MAX_VALUES;
  const shape = !isFile ? spec.shape.slice(1) : isKnown ? trained : (twin?.shape.slice(1) ?? [-1, -1, 3]);
  const hasNoise = signature.outputs.some((each) => outputKind(each, signature) === "picture");
  const deviation = taskOf(signature.name) === "denoise" ? 0.3 : 0;
  const size = taskOf(signature.name) === "detect" ? 0.45 : 1; // objects are smaller than pictures
  return pictureField({ spec, shape, isFile, hasNoise, deviation, size, changed });
}

function category(spec, { changed }) {
  const { name, names, missing, takes_others: takesOthers } = spec.note.column;
  const options = missing !== undefined && !names.includes(missing) ? [missing, ...names] : names;
  const isWhole = !(names.length === 1 && names[0] === "…");
  const entry = isWhole
    ? h("select", { change: changed }, options.map((each) => h("option", { value: each }, each)))
    : h("input", { type: "text", input: changed });
  const label = takesOthers && isWhole ? `${name}: programs can send other categories, for which the model was not trained` : name;
  return { element: labelled(label, entry), read: () => [entry.value], isLive: true };
}

function numberEntry(label, { least, most }, changed) {
  const middle = least !== undefined && most !== undefined ? (least + most) / 2 : 0;
  const entry = h("input", { type: "number", step: "any", value: Number(middle.toPrecision(3)), input: changed });
  const range = least !== undefined && most !== undefined ? ` (${short(least)} to ${short(most)} in training)` : "";
  const read = () => {
    if (entry.value === "") throw new Error(`Enter a number for ${label}.`);
    return Number(entry.value);
  };
  return { element: labelled(label + range, entry), read };
}

function number(spec, { changed }) {
  const entry = numberEntry(spec.note?.column?.name ?? spec.name, spec.note?.column ?? {}, changed);
  return { ...entry, read: () => [entry.read()], isLive: true };
}

function integer(spec, { changed }) {
  const start = { count: 6, seed: 0 }[spec.name] ?? 1;
  const entry = h("input", { type: "number", step: 1, value: start, input: changed });
  return {
    element: labelled(spec.name, entry),
    read: () => {
      if (!/^-?\d+$/.test(entry.value)) throw new Error(`Enter a whole number for ${spec.name}.`);
      return Number(entry.value);
    },
    isLive: true,
  };
}

function columns(spec, { changed }) {
  const entries = spec.note.preparation.columns.map((column) => numberEntry(column.name, column, changed));
  return { element: h("div", { class: "fields" }, entries.map(({ element }) => element)), read: () => [entries.map(({ read }) => read())], isLive: true };
}

function bars(spec, { changed, start }) {
  const size = spec.shape[1];
  const first = start ?? Array(size).fill(0);
  const most = Math.max(3, ...first.map((value) => Math.abs(value) * 1.5));
  const sliders = first.map((value, at) => {
    const shown = h("output", {}, short(value));
    const slider = h("input", { type: "range", min: -most, max: most, step: most / 100, value, "aria-label": `${spec.name} ${at + 1}`,
      input: () => { shown.textContent = short(slider.value); changed(); } });
    return { element: h("label", {}, h("span", {}, String(at + 1)), slider, shown), slider, shown };
  });
  const set = (values) => {
    sliders.forEach(({ slider, shown }, at) => {
      slider.value = values[at];
      shown.textContent = short(slider.value);
    });
    changed();
  };
  const draw = () => {
    const random = generator(Math.floor(Math.random() * 2 ** 32));
    set(sliders.map(() => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())));
  };
  return {
    element: h("div", { class: "fields", role: "group", "aria-label": spec.name },
      h("span", { class: "soft" }, `${spec.name}: ${size} numbers`),
      size === 2 ? plane(spec.name, most, set) : null,
      h("div", { class: "sliders" }, sliders.map(({ element }) => element)),
      h("button", { type: "button", click: draw }, "Draw at random")),
    read: () => [sliders.map(({ slider }) => Number(slider.value))],
    isLive: true,
  };
}

/** Returns a square: the place of the pointer sets two numbers. The sliders do the same for the keyboard. */
function plane(name, most, set) {
  const point = svg("circle", { cx: 0, cy: 0, r: 0.04 * most });
  const area = svg("svg", { class: "plane", viewBox: `${-most} ${-most} ${2 * most} ${2 * most}`, role: "img", "aria-label": `the plane of ${name}` },
    svg("line", { class: "axis", x1: -most, x2: most, "stroke-width": most / 100 }), svg("line", { class: "axis", y1: -most, y2: most, "stroke-width": most / 100 }), point);
  const move = (event) => {
    if (event.type === "pointermove" && event.pointerType === "touch" && !event.buttons) return;
    const box = area.getBoundingClientRect();
    const at = [((event.clientX - box.left) / box.width) * 2 - 1, ((event.clientY - box.top) / box.height) * 2 - 1].map((value) => value * most);
    point.setAttribute("cx", at[0]);
    point.setAttribute("cy", at[1]);
    set(at);
  };
  area.addEventListener("pointermove", move);
  area.addEventListener("pointerdown", move);
  return area;
}

/** Returns the lines of an example in a version's card, which may be anybody's file, or []. */
function exampleLines(example, isRight) {
  return Array.isArray(example) && example.every(isRight) ? example.slice(0, MAX_EXAMPLE) : [];
}

const GIVEN = ["a", "b", "c"]; // the words of `analogy`

function text(spec, { inputs = {} }) {
  const entry = h("textarea", { rows: 3, spellcheck: "false", placeholder: "One text a line" });
  const isText = (each) => typeof each === "string";
  const words = exampleLines(inputs.word, isText);
  const given = GIVEN.includes(spec.name) ? words.slice(GIVEN.indexOf(spec.name)).slice(0, 1) : words;
  const example = spec.name === "text" ? exampleLines(inputs.text, isText) : given;
  entry.value = example.map((line) => line.replaceAll(/\s+/g, " ")).join("\n");
  return {
    element: labelled(`${spec.name}: one a line`, entry),
    read: () => {
      const lines = entry.value.split("\n").filter((line) => line.trim());
      if (!lines.length) throw new Error(`Enter a text for ${spec.name}.`);
      return lines;
    },
    isLive: false,
    isReady: () => entry.value !== "",
  };
}

function series(spec, { changed, inputs = {} }) {
  const [, length, width] = spec.shape;
  const prepared = spec.note?.preparation;
  const names = prepared?.columns?.map(({ name }) => name) ?? [];
  const steps = length > 0 ? length : Math.min(10_000, Number(prepared?.history) || 0);
  const entry = h("textarea", { rows: 8, spellcheck: "false", input: changed, placeholder: `The last ${steps ? `${steps} ` : ""}steps of your series` });
  const isStep = (step) => Array.isArray(step) && step.every((value) => typeof value === "number");
  entry.value = exampleLines(inputs.series, isStep).map((step) => step.join(",")).join("\n");
  dropArea(entry, async (file) => { entry.value = await file.text(); changed(); });
  const read = () => {
    const rows = readSeries(entry.value, width, names);
    if (length > 0 && rows.length < length) throw new Error(`Expected at least ${length} steps. Received: ${rows.length}`);
    return [steps ? rows.slice(-steps) : rows];
  };
  const label = `${spec.name}: ${names.join(", ") || (width === 1 ? "a value" : `${width} values`)} a line, as CSV. Paste or drop a file.`;
  return { element: labelled(label, entry), read, isLive: true, isReady: () => entry.value !== "" };
}

function json(spec) {
  const entry = h("textarea", { rows: 8, spellcheck: "false" });
  entry.value = JSON.stringify(example(spec));
  return {
    element: labelled(`${spec.name} as JSON`, entry),
    read: () => {
      try {
        return JSON.parse(entry.value);
      } catch (error) {
        throw new Error(`The value of ${spec.name} is not JSON: ${error.message}`);
      }
    },
    isLive: false,
  };
}
