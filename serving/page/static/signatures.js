// Reads the signatures of a model from the server's metadata, and decides how inputs and outputs are shown.

export const DEFAULT = "serving_default";
const MAX_SLIDERS = 64;
export const MAX_VALUES = 1_000_000; // of an input that has a form field of its own
const FLOATS = ["float", "double"];
const PIXELS = ["0..255", "0..1", "-1..1"];

/** Returns the signatures in the answer of /metadata, the most useful first: [{name, inputs, outputs}]. */
export function readSignatures(metadata) {
  const definitions = metadata.metadata.signature_def.signature_def;
  const named = Object.entries(definitions).filter(([name]) => !name.startsWith("__")); // the others are TensorFlow's own
  const signatures = named.map(([name, definition]) => ({
    name,
    isForPeople: !/\/(classify|regress)$/.test(definition.method_name) && !name.endsWith("_padded"),
    inputs: specs(definition.inputs),
    outputs: specs(definition.outputs),
  }));
  return signatures.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

function specs(infos) {
  return Object.entries(infos ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, info]) => spec(name, info));
}

function spec(name, info) {
  const shape = info.tensor_shape ?? {};
  const dims = shape.dim ?? [];
  const last = dims.at(-1)?.name ?? "";
  const note = readNote(last);
  const stated = note?.preparation?.pixels ?? last.replace(/^pixels /, "");
  return {
    name,
    dtype: String(info.dtype).replace(/^DT_/, "").toLowerCase(),
    shape: shape.unknown_rank ? null : dims.map((dim) => Number(dim.size)),
    pixels: PIXELS.includes(stated) ? stated : "",
    note,
  };
}

/** Returns the note in the name of a dimension, such as {labels: {names: […]}}, or null. */
function readNote(text) {
  if (!text.startsWith("{")) return null;
  try {
    const note = JSON.parse(text);
    return Object.keys(note).length === 1 ? note : null;
  } catch {
    return null;
  }
}

// The tasks from the most to the least useful. The sentence describes the model. {input} is what the task takes.
export const TASKS = {
  classify: "Says to which class {input} belongs",
  denoise: "Removes noise from {input}",
  colorize: "Adds colours to {input}",
  segment: "Says for each pixel of {input} to which class it belongs",
  detect: "Finds objects in {input}",
  caption: "Describes {input} in words",
  translate: "Translates {input}",
  pronounce: "Says how {input} is pronounced",
  tag: "Says a tag for each token of {input}",
  forecast: "Continues {input}",
  regress: "Predicts a number from {input}",
  nearest: "Finds the words with a similar meaning",
  generate: "Generates new examples",
  score: "Says how unusual {input} is",
  encode: "Compresses {input} to a few numbers, and restores it",
  reconstruct: "Compresses {input} to a few numbers, and restores it",
  decode: "Makes examples from a few numbers",
  embed: "Describes {input} with a vector",
};

/** Returns the task of a signature, such as "classify" for "classify_png", or "". */
export function taskOf(name) {
  const first = name.split("_")[0];
  return Object.hasOwn(TASKS, first) ? first : "";
}

function rank(signature) {
  const place = Object.keys(TASKS).indexOf(taskOf(signature.name));
  const isPlain = signature.inputs.every((each) => inputKind(each) !== "json");
  const form = 0.5 * (signature.name.split("_").length - 1);
  const isFile = signature.name.endsWith("_png") || signature.name.endsWith("_rows") ? -0.7 : 0;
  return (isPlain ? 0 : 100) + (place < 0 ? 50 : place) + form + isFile + (signature.name === DEFAULT ? 50 : 0);
}

/** Returns which form field an input gets: file, picture, category, number, columns, series, text, integer, bars or json. */
export function inputKind({ name, dtype, shape, note, pixels }) {
  if (valuesIn(shape) > MAX_VALUES) return "json";
  const isNumber = FLOATS.includes(dtype);
  const rank = shape?.length;
  if (dtype === "string" && rank === 1) {
    if (note?.column?.type === "category") return "category";
    if (pixels || note?.preparation?.kind === "pictures" || name.endsWith("_bytes")) return "file";
    return name === "inputs" ? "json" : "text"; // "inputs" are serialized examples
  }
  if (rank === 1 && isNumber) return "number";
  if (rank === 0 && /^u?int/.test(dtype)) return "integer";
  if (rank === 4 && (isNumber || dtype === "uint8") && [1, 3].includes(shape[3])) return "picture";
  if (rank === 3 && isNumber && shape[2] > 0) return "series";
  if (rank === 2 && isNumber && shape[1] > 0) {
    if (isPlainTable(note, shape[1])) return "columns";
    if (shape[1] <= MAX_SLIDERS) return "bars";
  }
  return "json";
}

function isPlainTable(note, width) {
  const columns = note?.preparation?.kind === "table" ? note.preparation.columns : [];
  return columns.length === width && columns.every((column) => column.type === "number");
}

/** Returns the number of values of a shape, with 1 for an unknown size. */
export function valuesIn(shape) {
  return (shape ?? []).reduce((product, size) => product * Math.max(size, 1), 1);
}

/** Returns how an output is shown. "" if another output of the signature shows it. */
export function outputKind({ name, dtype, shape, note }, signature) {
  const others = new Set(signature.outputs.map((each) => each.name));
  const isNumber = FLOATS.includes(dtype);
  const rank = shape?.length;
  if (name === "names" && others.has("similarities")) return "neighbours";
  if (name === "similarities" && others.has("names")) return "";
  if (name === "anomaly" && others.has("score")) return "";
  const tags = signature.outputs.find(isTags);
  if (tags && ["label", "score", "probabilities", tags.name].includes(name)) return name === tags.name ? "tags" : "";
  if (name === "boxes" && rank === 3 && shape[2] === 4) return "boxes";
  if (["scores", "labels", "count"].includes(name) && others.has("boxes")) return "";
  if (["label", "score"].includes(name) && others.has("label") && others.has("probabilities")) return "";
  if (name === "score" && rank === 1) return "score";
  if (rank === 2 && isNumber && (note?.labels || name === "probabilities")) return "classes";
  if (rank === 4 && isNumber && [1, 3].includes(shape[3])) return "picture";
  const ofSeries = signature.inputs.some((each) => inputKind(each) === "series");
  if (rank === 3 && isNumber && ofSeries && shape[2] > 0) return "series";
  if (rank === 3 && /^u?int/.test(dtype)) return "mask";
  if (rank === 3 && isNumber && others.has("mask")) return "map";
  if (rank === 2 && isNumber) return shape[1] === 1 ? "numbers" : "bars";
  if (rank === 1) return dtype === "string" ? "texts" : "numbers";
  return "json";
}

/** Returns whether an output has the tag of each token of a text, as a name, or as probabilities of named tags. */
function isTags({ name, dtype, shape, note }) {
  if (name === "label") return dtype === "string" && shape?.length === 2;
  return Boolean(note?.labels) && FLOATS.includes(dtype) && shape?.length === 3;
}

/** Returns the example for a JSON input: zeros or texts in the shape of the input, with 1 for an unknown size. */
export function example({ dtype, shape }) {
  if (valuesIn(shape) > MAX_VALUES) return []; // too long for a form field
  const leaf = dtype === "string" ? "" : dtype === "bool" ? false : 0;
  const sizes = (shape ?? [1]).map((size) => Math.min(Math.max(size, 1), 1000));
  return sizes.reduceRight((value, size) => Array(size).fill(value), leaf);
}

/** Returns whether two signatures take the same request. Files of pictures have no range of pixel values. */
export function takesTheSame(one, other) {
  const shown = (signature) => JSON.stringify(signature.inputs.map(({ name, dtype, shape, pixels }) =>
    [name, dtype, shape, dtype === "string" ? "" : pixels]));
  return shown(one) === shown(other);
}
