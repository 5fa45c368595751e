// Calls the REST API of the server. All of these paths are public.

/** Returns the list of models: [{name, versions: [{version, state, status}]}]. */
export async function models() {
  return (await answer(await fetch("/models"))).models;
}

/** Returns the path of a model, or of one of its versions. `version` may be "". */
export function pathOf(model, version) {
  const base = `/v1/models/${encodeURIComponent(model)}`;
  return version ? `${base}/versions/${version}` : base;
}

export async function metadata(model, version) {
  return answer(await fetch(`${pathOf(model, version)}/metadata`));
}

/** Returns the card of a version, or null if it has none. */
export async function about(model, version) {
  const response = await fetch(`/models/${encodeURIComponent(model)}/versions/${version}/card`);
  return response.ok ? answer(response) : null;
}

export async function metrics(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`The metrics answer with status ${response.status}.`);
  return response.text();
}

/** Sends a predict request. Returns {outputs, milliseconds}: the outputs are an object by name. */
export async function predict(model, version, body, outputNames) {
  const started = performance.now();
  const response = await fetch(`${pathOf(model, version)}:predict`, { method: "POST", body: JSON.stringify(body) });
  const { outputs } = await answer(response);
  const milliseconds = performance.now() - started;
  return { outputs: outputNames.length === 1 ? { [outputNames[0]]: outputs } : outputs, milliseconds };
}

async function answer(response) {
  const text = await response.text();
  let content = null;
  try {
    content = parse(text);
  } catch {
    throw new Error(`The server answered with status ${response.status} and no JSON.`);
  }
  if (!response.ok) throw new Error(content.error ?? `The server answered with status ${response.status}.`);
  return content;
}

/** Reads JSON in which NaN, Infinity and -Infinity are numbers. They become strings, which Number() reads. */
export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replace(/("(?:[^"\\]|\\.)*")|-?\b(?:NaN|Infinity)\b/g, (found, string) => string ?? `"${found}"`));
  }
}
