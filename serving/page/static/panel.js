// The panel of a signature: its form fields, the answers, and the request as commands and programs.

import { metadata, predict } from "./api.js";
import { h, labelled } from "./dom.js";
import { field } from "./inputs.js";
import { readSignatures, takesTheSame } from "./signatures.js";
import { FILE, snippets } from "./snippets.js";
import { views } from "./views.js";

const known = new Map(); // promises of signatures, by model and version
let saved = ""; // the URL of the last long body
const LIVE_MILLISECONDS = 5000; // a slower signature is asked only by the button

/**
 * Returns the panel. `others` is a list of {model, version} to compare with; `openDecoder` shows a code in a decoder;
 * `inputs` are the example inputs of the version's card.
 */
export function panel({ model, version, signature, signatures, others, start, openDecoder, inputs }) {
  const answers = h("div", { class: "answers", "aria-live": "polite" });
  const code = h("div", { class: "code" });
  const targets = [{ model, version, signature }];
  let [isRunning, isWaiting, isSlow] = [false, false, false];

  const changed = () => {
    if (isSlow || fields.some((each) => !each.isLive)) return;
    run();
  };
  const fields = signature.inputs.map((spec) => field(spec, { signature, signatures, changed, start, inputs }));

  /** Sends the request. While one is on its way, only the newest change waits. */
  async function run() {
    isWaiting = true;
    if (isRunning) return;
    isRunning = true;
    answers.setAttribute("aria-busy", "true");
    while (isWaiting) {
      isWaiting = false;
      await once();
    }
    isRunning = false;
    answers.setAttribute("aria-busy", "false");
  }

  async function once() {
    let body;
    try {
      const values = signature.inputs.map((spec, at) => [spec.name, fields[at].read()]);
      body = { signature_name: signature.name, inputs: Object.fromEntries(values) };
    } catch (error) {
      answers.replaceChildren(h("p", { class: "error" }, error.message));
      return;
    }
    answers.replaceChildren(...(await Promise.all(targets.map((target) => answer(target, body)))));
    code.replaceChildren(...programs(model, version, body));
  }

  async function answer(target, body) {
    const title = targets.length > 1 ? h("h4", {}, name(target)) : null;
    try {
      const names = target.signature.outputs.map((each) => each.name);
      const own = { ...body, signature_name: target.signature.name };
      const { outputs, milliseconds } = await predict(target.model, target.version, own, names);
      isSlow = milliseconds > LIVE_MILLISECONDS;
      const shown = views({ signature: target.signature, outputs, fields, body, openDecoder });
      return h("div", { class: "answer" }, title, shown, h("p", { class: "soft time" }, `${milliseconds.toFixed(1)} ms in the browser`));
    } catch (error) {
      return h("div", { class: "answer" }, title, h("p", { class: "error" }, error.message));
    }
  }

  const fitting = []; // the models and versions to compare with, each with its signature
  const choice = h("select", { change: () => {
    targets.length = 1;
    if (choice.value !== "") targets.push(fitting[Number(choice.value)]);
    run();
  } }, h("option", { value: "" }, "nothing"));
  const comparison = labelled("Compare with", choice);
  comparison.hidden = true;

  async function findFitting() {
    for (const other of others) {
      const found = (await signaturesOf(other)).filter((each) => takesTheSame(each, signature));
      const [same = found[0]] = found.filter((each) => each.name === signature.name);
      if (!same) continue;
      choice.append(h("option", { value: fitting.push({ ...other, signature: same }) - 1 }, name(other)));
      comparison.hidden = false;
    }
  }

  if (fields.every(({ isReady, isLive }) => (isReady ? isReady() : isLive))) run();
  findFitting();
  return h("div", {},
    h("div", { class: "panel" },
      h("form", { class: "fields", submit: (event) => { event.preventDefault(); run(); } },
        fields.map(({ element }) => element),
        h("button", { class: "main", type: "submit" }, "Ask the model"),
        comparison),
      answers),
    h("details", {}, h("summary", {}, "The same request as curl, Python and JavaScript"), code),
  );
}

/** Returns the signatures of a version, or [] if it has no metadata, such as a version that was unloaded meanwhile. */
function signaturesOf({ model, version }) {
  const key = JSON.stringify([model, version]);
  if (!known.has(key)) {
    known.set(key, metadata(model, version).then(readSignatures).catch(() => {
      known.delete(key);
      return [];
    }));
  }
  return known.get(key);
}

function name({ model, version }) {
  return version ? `${model}, version ${version}` : model;
}

function programs(model, version, body) {
  const { file, ...codes } = snippets(location.origin, model, version, body);
  const titles = { curl: "curl (bash, zsh)", python: "Python", javascript: "JavaScript" };
  const parts = Object.entries(codes).map(([key, text]) =>
    h("section", {}, h("div", { class: "row" }, h("h5", {}, titles[key]), copyButton(titles[key], text)), h("pre", { tabindex: 0, "data-code": key }, text)));
  if (file === null) return parts;
  URL.revokeObjectURL(saved);
  saved = URL.createObjectURL(new Blob([file], { type: "application/json" }));
  const link = h("a", { download: FILE, href: saved }, FILE);
  return [h("p", {}, "The body of this request is long. Save it first: ", link), ...parts];
}

function copyButton(title, text) {
  const button = h("button", { type: "button", "aria-label": `Copy the ${title} code`, click: async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch { // browsers allow it only on localhost and over HTTPS
      button.textContent = "Select the text and copy it";
    }
  } }, "Copy");
  return button;
}
