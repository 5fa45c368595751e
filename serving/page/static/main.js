// Shows the list of models and the card of one of them. The address has the model, version and signature.

import { metrics, models } from "./api.js";
import { card } from "./card.js";
import { h, show } from "./dom.js";
import { parseMetrics, totals } from "./metrics.js";

const POLL_MILLISECONDS = 2000;
const METRICS = document.documentElement.dataset.metrics;
const [list, main, state] = ["models", "main", "state"].map((id) => document.getElementById(id));

let known = []; // the models, as the server lists them
let shown = null; // {key, card} of the card on the page
let readings = []; // the last two readings of the metrics: [{at, models}]

/** Returns {model, version, signature} from the address, such as "#/model/3/classify" or "#/model//classify". */
function place() {
  try {
    const [model = "", version = "", signature = ""] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
    return { model, version, signature };
  } catch { // a "%" that is not the beginning of an escape
    return { model: "", version: "", signature: "" };
  }
}

function address(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

function available(model) {
  return model.versions.filter((each) => each.state === "AVAILABLE").map((each) => each.version);
}

function current() {
  return known.find(({ name }) => name === place().model) ?? known.find((model) => available(model).length) ?? known[0];
}

let marked = ""; // the model in the middle of the list, if the list is a line

function drawList() {
  const name = current()?.name;
  show(list, known.map((model) => {
    const versions = available(model);
    const text = versions.length ? `version ${versions.join(", ")}` : (model.versions[0]?.state ?? "no version").toLowerCase();
    return h("li", {}, h("a", { href: address(model.name), "aria-current": model.name === name && "page" }, model.name, h("small", {}, text)));
  }));
  const mark = list.querySelector("[aria-current]");
  if (!mark || name === marked) return;
  marked = name;
  const nav = list.parentElement;
  nav.scrollLeft = mark.offsetLeft - nav.offsetLeft - (nav.clientWidth - mark.offsetWidth) / 2;
}

/** Shows the card of the model in the address, unless it is there already. */
async function drawCard() {
  const model = current();
  if (!model) {
    shown = null;
    main.replaceChildren(h("p", {}, "The server has no models yet. Export one with: gallery export NAME. Or serve all trained models of the gallery: gallery serve --all"));
    return;
  }
  const versions = available(model);
  const version = versions.includes(place().version) ? place().version : "";
  const key = JSON.stringify([model.name, version, versions]);
  if (shown?.key !== key) {
    shown = { key, card: null };
    const made = await make(model, version);
    if (shown.key !== key) return; // the user has chosen another model meanwhile
    shown.card = made.card;
    if (made.isFailed) shown.key = ""; // the next poll tries again
    show(main, made.element);
    if (!made.isFailed) main.replaceChildren(made.element);
  }
  update(model, version);
}

async function make(model, version) {
  if (!available(model).length) {
    const states = model.versions.map((each) => `Version ${each.version}: ${each.state}. ${each.status.error_message}`);
    return { element: h("article", {}, h("h2", {}, model.name), states.map((text) => h("p", { class: "bad" }, text))), card: null };
  }
  const others = known.flatMap((each) => available(each).map((number) => ({ model: each.name, version: number })))
    .filter((each) => each.model !== model.name || each.version !== (version || available(model)[0]));
  const select = (signature) => history.replaceState(null, "", address(model.name, version, signature));
  try {
    const made = await card({ model, version, wanted: place().signature, others, select });
    return { element: made.element, card: made };
  } catch (error) {
    return { element: h("p", { class: "error" }, `${model.name}: ${error.message}`), card: null, isFailed: true };
  }
}

function update(model, version) {
  const [before, now] = readings;
  shown?.card?.update({
    model, version,
    before: before?.models.get(model.name),
    now: now?.models.get(model.name),
    seconds: before && now ? (now.at - before.at) / 1000 : 0,
    hasMetrics: Boolean(METRICS),
    pick: (number) => { location.hash = address(model.name, number, place().signature); },
  });
}

async function poll() {
  try {
    known = await models();
    if (METRICS) readings = [...readings.slice(-1), { at: performance.now(), models: totals(parseMetrics(await metrics(METRICS))) }];
    state.textContent = `${known.length} model${known.length === 1 ? "" : "s"}`;
    state.className = "";
    drawList();
    await drawCard();
  } catch (error) {
    state.textContent = `No answer from the server: ${error.message}`;
    state.className = "bad";
  }
}

window.addEventListener("hashchange", () => {
  drawList();
  drawCard();
});

for (;;) {
  if (!document.hidden) await poll();
  await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
}
