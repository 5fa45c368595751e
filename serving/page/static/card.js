// The card of a model: what it is, its versions, its signatures, its load, and the panel to try it.

import { sections } from "./about.js";
import { about, metadata } from "./api.js";
import { h, short, show } from "./dom.js";
import { between } from "./metrics.js";
import { panel } from "./panel.js";
import { inputKind, readSignatures } from "./signatures.js";
import { described, sentence } from "./words.js";

/** Returns {element, update}. `update` shows the load. `others` are the models and versions to compare with. */
export async function card({ model, version, wanted, others, select }) {
  const number = version || model.versions.find(({ state }) => state === "AVAILABLE").version;
  const [described, told] = await Promise.all([metadata(model.name, version), about(model.name, number).catch(() => null)]);
  const signatures = readSignatures(described);
  const load = h("dl", { class: "facts" });
  const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Signatures" });
  const place = h("div", { role: "tabpanel", id: "signature" });

  const open = (signature, start) => {
    for (const tab of tabs.children) {
      tab.setAttribute("aria-selected", String(tab.dataset.name === signature.name));
      tab.tabIndex = tab.dataset.name === signature.name ? 0 : -1;
    }
    select(signature.name);
    const openDecoder = signature.name.startsWith("encode") ? (values) => decoder(signatures, values, open) : undefined;
    place.setAttribute("aria-label", signature.name);
    place.replaceChildren(panel({ model: model.name, version, signature, signatures, others, start, openDecoder, inputs: told?.inputs ?? {} }));
  };
  // The others take serialized examples, or batches with padding: programs send these.
  const shown = signatures.filter(({ isForPeople }) => isForPeople);
  tabs.append(...shown.map((signature) =>
    h("button", { type: "button", role: "tab", "aria-controls": "signature", "data-name": signature.name, click: () => open(signature) }, signature.name)));
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...tabs.children];
    const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    next.focus();
    next.click();
  });
  if (shown.length) open(shown.find(({ name }) => name === wanted) ?? shown[0]);

  const element = h("article", {},
    h("h2", {}, model.name),
    h("p", { class: "lead" }, sentence(signatures)),
    told?.summary ? h("p", {}, String(told.summary)) : null,
    load,
    h("section", { class: "box" }, h("h3", {}, "Try it"), tabs, place),
    told ? sections(told) : null,
    h("section", { class: "box" }, h("h3", {}, "Signatures"), signatures.map(table)),
  );
  return { element, update: (facts) => show(load, factRows(facts)) };
}

/** Returns a function that opens the decoder with the values of a code, or null if the model has no such decoder. */
function decoder(signatures, values, open) {
  const found = signatures.find(({ name, inputs }) => name === "decode" && inputs.length === 1 && inputKind(inputs[0]) === "bars" && inputs[0].shape[1] === values.length);
  return found ? () => open(found, values) : null;
}

function table({ name, inputs, outputs }) {
  const rows = (title, specs) => specs.map((spec, at) => h("tr", {}, h("th", { scope: "row" }, at ? "" : title), h("td", {}, spec.name), h("td", {}, described(spec))));
  return h("details", {}, h("summary", {}, name), h("table", {}, h("tbody", {}, rows("Input", inputs), rows("Output", outputs))));
}

/** Returns the facts of a model: versions with their states, engine, requests per second and latency. */
function factRows({ model, version, before, now, seconds, pick, hasMetrics }) {
  const available = model.versions.filter(({ state }) => state === "AVAILABLE");
  const versions = model.versions.map((each) => {
    const problem = each.status.error_message ? `: ${each.status.error_message}` : "";
    const text = `${each.version} ${each.state.toLowerCase()}${problem}`;
    const isShown = version === each.version;
    return each.state === "AVAILABLE" && available.length > 1
      ? h("button", { type: "button", "aria-pressed": String(isShown), click: () => pick(isShown ? "" : each.version) }, text)
      : h("span", { class: problem ? "bad" : "" }, text);
  });
  const fact = (title, ...content) => h("div", {}, h("dt", {}, title), h("dd", {}, ...content));
  const facts = [fact("Versions", h("span", { class: "row" }, versions))];
  if (!hasMetrics) return facts;
  const engines = [...new Set(now?.engines.values() ?? [])];
  const { rate, errors, median } = now && seconds ? between(before, now, seconds) : { rate: 0, errors: 0, median: null };
  return [
    ...facts,
    fact("Engine", engines.join(", ") || "not used yet"),
    fact("Requests per second", short(rate) + (errors ? ` (${short(errors)} with errors)` : "")),
    fact("Median latency", median === null ? "–" : `${short(median)} ms`),
  ];
}
