// Descriptions of models, inputs and outputs in words.

import { TASKS, inputKind, taskOf } from "./signatures.js";

/** Returns what the model is in a sentence. `signatures` are sorted, the most useful first. */
export function sentence(signatures) {
  const signature = signatures.find(({ name }) => taskOf(name));
  if (!signature) return "A model with the signatures " + signatures.map(({ name }) => name).join(", ") + ".";
  const classes = signature.outputs.map((each) => each.note?.labels?.names).find(Boolean);
  const ending = classes ? `: ${listed(classes)}` : "";
  const text = TASKS[taskOf(signature.name)].replace("{input}", kindOfInputs(signatures, signature)) + ending;
  return text.endsWith("…") ? text : text + ".";
}

function kindOfInputs(signatures, signature) {
  const kinds = signature.inputs.map(inputKind);
  if (kinds.includes("file") || kinds.includes("picture")) {
    const picture = signatures.flatMap(({ inputs }) => inputs).find((each) => inputKind(each) === "picture");
    const [, height, width, channels] = picture?.shape ?? [];
    return "a picture" + (height > 0 && width > 0 ? ` of ${width}×${height} ${channels === 1 ? "grey" : "coloured"} pixels` : "");
  }
  if (kinds.some((kind) => ["category", "number", "columns"].includes(kind))) return "a row of a table";
  if (kinds.includes("series")) return "a series";
  if (kinds.includes("text")) return "a text";
  return "an example";
}

/** Returns the type and shape of an input or output, such as "float (batch, 28, 28, 1), pixel values 0..1". */
export function described(spec) {
  const sizes = spec.shape?.map((size, axis) => (size >= 0 ? size : axis === 0 ? "batch" : "any"));
  const shape = spec.shape === null ? "any shape" : spec.shape.length ? `(${sizes.join(", ")})` : "one value";
  return [`${spec.dtype} ${shape}`, ...about(spec)].join(", ");
}

function about({ note, pixels }) {
  const column = note?.column;
  if (pixels) return [`pixel values ${pixels}`];
  if (column?.type === "number" && column.least !== undefined && column.most !== undefined) {
    return [`${column.least} to ${column.most} in training`];
  }
  if (column?.type === "category") return [`one of ${listed(column.names)}`, ...(column.takes_others ? ["others count as unknown"] : [])];
  if (note?.labels) return [`the classes ${listed(note.labels.names)}`];
  if (note?.threshold) return [`true for a score above ${note.threshold.value}`];
  if (note?.preparation?.columns) return [`the columns ${listed(note.preparation.columns.map(({ name }) => name))}`];
  return [];
}

export function listed(names, most = 12) {
  return names.slice(0, most).join(", ") + (names.length > most ? ", …" : "");
}
