// Writes a request as commands and programs that send it.

import { pathOf } from "./api.js";

const MAX_BODY = 20_000; // characters. A longer body is in a file.
export const FILE = "request.json";

/** Returns {curl, python, javascript, file}. `file` is the text of request.json, or null if the body is short. */
export function snippets(origin, model, version, body) {
  const text = JSON.stringify(body);
  const url = `${origin}${pathOf(model, version)}:predict`;
  const isLong = text.length > MAX_BODY;
  return {
    curl: isLong ? `curl -d @${FILE} ${shell(url)}` : `curl -d ${shell(text)} ${shell(url)}`,
    python: python(origin, model, version, body, isLong),
    javascript: javascript(url, text, isLong),
    file: isLong ? text : null,
  };
}

/** Quotes a text for a POSIX shell. */
export function shell(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function python(origin, model, version, { signature_name: signature, inputs }, isLong) {
  const fields = Object.entries(inputs);
  const values = fields.map(([name, value]) => {
    const code = isLong ? `inputs[${literal(name)}]` : literal(value);
    return `    ${literal(name)}: ${hasFiles(value) ? decoded(code, value, isLong) : code},`;
  });
  const files = fields.some(([, value]) => hasFiles(value));
  return [
    ...(files ? ["import base64"] : []),
    ...(isLong ? ["import json"] : []),
    ...(files || isLong ? [""] : []),
    "from keras_gallery.serving.client import Client",
    "",
    ...(isLong ? [`inputs = json.load(open("${FILE}"))["inputs"]`] : []),
    "inputs = {",
    ...values,
    "}",
    `with Client(${literal(origin)}) as client:`,
    `    print(client.predict(${literal(model)}, inputs, signature=${literal(signature)}${version ? `, version=${version}` : ""}))`,
    "",
  ].join("\n");
}

function hasFiles(value) {
  return Array.isArray(value) && value.length > 0 && typeof value[0]?.b64 === "string";
}

function decoded(code, value, isLong) {
  return isLong ? `[base64.b64decode(each["b64"]) for each in ${code}]` : `[${value.map(({ b64 }) => `base64.b64decode(${literal(b64)})`).join(", ")}]`;
}

/** Returns a value as Python code. */
function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value).map(([key, each]) => `${literal(key)}: ${literal(each)}`).join(", ")}}`;
  }
  if (typeof value === "boolean") return value ? "True" : "False";
  return value === null ? "None" : JSON.stringify(value);
}

function javascript(url, text, isLong) {
  return [
    ...(isLong ? ['import { readFile } from "node:fs/promises";', ""] : []),
    `const response = await fetch(${JSON.stringify(url)}, {`,
    '  method: "POST",',
    isLong ? `  body: await readFile("${FILE}"),` : `  body: JSON.stringify(${text}),`,
    "});",
    "console.log(JSON.stringify(await response.json()));",
    "",
  ].join("\n");
}
