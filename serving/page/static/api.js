// Calls the REST API of the server. If the server requires a token, the page asks for it once, and keeps it until the tab
// is closed.

const TOKEN = "token";
let isAsked = false;

async function ask(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const response = await fetch(path, { ...options, headers });
  if (response.status !== 401) return response;
  if (sessionStorage.getItem(TOKEN) === token) {
    if (isAsked) return response;
    isAsked = true;
    const entered = prompt("This server requires a token:")?.trim();
    isAsked = !entered; // ask again only if a token was entered and is wrong
    if (!entered) return response;
    sessionStorage.setItem(TOKEN, entered);
  }
  return ask(path, options); // with the token that was entered meanwhile
}

/** Returns the list of models: [{name, versions: [{version, state, status}]}]. */
export async function models() {
  return (await answer(await ask("/models"))).models;
}

/** Returns the path of a model, or of one of its versions. `version` may be "". */
export function pathOf(model, version) {
  const base = `/v1/models/${encodeURIComponent(model)}`;
  return version ? `${base}/versions/${version}` : base;
}

export async function metadata(model, version) {
  return answer(await ask(`${pathOf(model, version)}/metadata`));
}

/** Returns the card of a version, or null if it has none. */
export async function about(model, version) {
  const response = await ask(`/models/${encodeURIComponent(model)}/versions/${version}/card`);
  return response.ok ? answer(response) : null;
}

export async function metrics(path) {
  const response = await ask(path);
  if (response.status === 403) return ""; // the token is not for the metrics
  if (!response.ok) throw new Error(`The metrics answer with status ${response.status}.`);
  return response.text();
}

/** Sends a predict request. Returns {outputs, milliseconds}: the outputs are an object by name. */
export async function predict(model, version, body, outputNames) {
  const started = performance.now();
  const response = await ask(`${pathOf(model, version)}:predict`, { method: "POST", body: JSON.stringify(body) });
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
