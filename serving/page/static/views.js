// Shows the outputs of a signature.

import { chart, columns, gauge } from "./chart.js";
import { h, short, svg } from "./dom.js";
import { canvasOf } from "./picture.js";
import { difference, fromNested, isSameSize, psnr } from "./pixels.js";
import { outputKind } from "./signatures.js";
import { tokensOf } from "./tokens.js";

const SEASONS = { month: 12, quarter: 4, week: 52, day: 7, hour: 24, minute: 60 }; // steps, by the time between two of them
const MAX_CLASSES = 40;
const MAX_ROWS = 14; // of bars; more bars are side by side
const MAX_BARS = 40; // more values become the columns of a chart
const MAX_COLUMNS = 1024;
const MAX_PICTURES = 24;
const MAX_JSON = 20_000; // characters
// Colours of the classes of a mask: twelve that people can tell apart, then again.
const COLOURS = [[31, 119, 180], [255, 127, 14], [44, 160, 44], [214, 39, 40], [148, 103, 189], [140, 86, 75], [227, 119, 194], [127, 127, 127], [188, 189, 34], [23, 190, 207], [60, 60, 60], [255, 240, 150]];

/** Returns the elements that show the outputs. `context` is {signature, outputs, fields, body, openDecoder}. */
export function views(context) {
  return context.signature.outputs.flatMap((spec) => {
    const kind = outputKind(spec, context.signature);
    const value = context.outputs[spec.name];
    if (!kind || value === undefined) return [];
    return [h("section", { "data-output": spec.name }, h("h5", {}, spec.name), VIEWS[kind](value, spec, context))];
  });
}

const VIEWS = { picture, classes, tags, bars, score, neighbours, series, mask, map, boxes, texts, numbers, json };

function figure(image, caption) {
  return h("figure", {}, canvasOf(image, caption), h("figcaption", {}, caption));
}

function picture(value, spec, { fields, signature }) {
  const pixels = spec.pixels || signature.inputs.map((each) => each.pixels).find(Boolean);
  const images = value.slice(0, MAX_PICTURES).map((each) => fromNested(each, pixels));
  const source = fields.find((each) => each.picture);
  if (!source || images.length !== 1 || !isSameSize(source.picture(), images[0])) {
    return h("div", { class: "pictures" }, images.map((image, at) => figure(image, `${spec.name} ${at + 1}`)));
  }
  const [clean, sent, [image]] = [source.clean(), source.picture(), images];
  const quality = (one) => `${psnr(clean, one).toFixed(1)} dB`;
  return [
    h("div", { class: "pictures" }, figure(sent, "sent"), figure(image, spec.name), figure(difference(sent, image), "difference")),
    h("p", {}, `PSNR to the picture without noise: ${quality(image)}`, psnr(clean, sent) < 99 ? `, sent ${quality(sent)}` : ""),
  ];
}

function barRows(rows, most) {
  return h("div", { class: rows.length > MAX_ROWS ? "bars many" : "bars", tabindex: 0 }, rows.map(({ name, value, isFirst }) => {
    const bar = h("div", { class: `bar${value < 0 ? " minus" : ""}` });
    bar.style.width = `${Math.min(100, (100 * Math.abs(value)) / (most || 1))}%`;
    return h("div", {}, h("span", { class: `name${isFirst ? " first" : ""}` }, name), h("div", { class: "track" }, bar), h("span", { class: "value" }, short(value)));
  }));
}

function classes([value], spec, { outputs }) {
  const names = spec.note?.labels?.names ?? [];
  const rows = value.map((each, at) => ({ name: names[at] ?? String(at), value: Number(each) })).sort((a, b) => b.value - a.value);
  rows[0].isFirst = true;
  const best = outputs.label?.[0] ?? rows[0].name;
  const left = rows.length - MAX_CLASSES;
  return [
    h("p", { class: "big" }, textOf(best)),
    barRows(rows.slice(0, MAX_CLASSES), 1),
    left > 0 ? h("p", { class: "soft" }, `and ${left} less probable classes`) : null,
  ].filter(Boolean);
}

/** Shows the tag of each token above the token. */
function tags(value, spec, { body, signature, outputs }) {
  const names = spec.note?.labels?.names ?? [];
  const best = (row) => names[row.indexOf(Math.max(...row))];
  const given = body.inputs[signature.inputs.find((each) => each.shape?.length).name];
  const rows = Array.isArray(given[0]) ? given : tokensOf(given, value[0].length);
  const score = (at, place) => (outputs.score === undefined ? false : `score ${short(outputs.score[at][place])}`);
  return rows.map((tokens, at) => h("p", { class: "tags" }, tokens.map((token, place) => {
    const tag = value[at][place];
    return h("ruby", { title: score(at, place) }, String(token), h("rt", {}, Array.isArray(tag) ? best(tag.map(Number)) : textOf(tag)));
  })));
}

function bars(value, spec, { openDecoder }) {
  const values = value[0].map(Number);
  const rows = values.map((each, at) => ({ name: String(at + 1), value: each }));
  const open = openDecoder?.(values);
  return [
    values.length > MAX_BARS ? columns(`${spec.name}: ${values.length} numbers`, values.slice(0, MAX_COLUMNS))
      : barRows(rows, Math.max(...values.map(Math.abs))),
    open ? h("p", {}, h("button", { type: "button", click: open }, "Change these numbers and decode them")) : null,
  ].filter(Boolean);
}

function score([value], spec, { signature, outputs }) {
  const threshold = signature.outputs.map((each) => each.note?.threshold?.value).find((each) => each !== undefined);
  const verdict = outputs.anomaly === undefined ? "" : outputs.anomaly[0] ? "unusual" : "usual";
  return [
    h("p", { class: "big" }, short(value)),
    ...(verdict ? [h("p", { class: verdict === "usual" ? "good" : "bad" }, `This example is ${verdict}.`)] : []),
    ...(threshold === undefined ? [] : [gauge(Number(value), threshold)]),
  ];
}

function neighbours(value, spec, { outputs, body, signature }) {
  const words = signature.inputs.filter((each) => each.shape?.length === 1).map((each) => body.inputs[each.name]);
  return value.map((names, at) => [
    h("p", { class: "big" }, words.map((each) => each[at]).join(", ")),
    barRows(names.map((name, place) => ({ name: textOf(name), value: Number(outputs.similarities[at][place]) })), 1),
  ]).flat();
}

function series([value], spec, { body, signature }) {
  const source = signature.inputs.find((each) => each.shape?.length === 3);
  const history = source ? body.inputs[source.name][0] : [];
  const names = source?.note?.preparation?.columns?.map(({ name }) => name) ?? [];
  return value[0].map((_, at) => {
    const past = history.map((row, step) => [step - history.length + 1, row[at]]).filter(([, y]) => y !== undefined);
    const future = value.map((row, step) => [step + 1, Number(row[at])]);
    const season = SEASONS[source?.note?.preparation?.step] ?? 0;
    const before = future.map(([step]) => [step, past.at((step - 1) % season - season)?.[1]]);
    const lines = [{ name: "history", kind: "history", points: past }, { name: spec.name, kind: "forecast", points: [...past.slice(-1), ...future] }];
    if (season > 0 && season <= past.length) lines.push({ name: "the last season again", kind: "season", points: before });
    const ending = lines.length > 2 ? "; the dashed line repeats the last season" : "";
    const title = `${names[at] ?? spec.name}: ${future.length} steps after ${past.length} steps of history${ending}`;
    return [h("p", {}, title), chart(title, lines.filter(({ points }) => points.length))];
  }).flat();
}

function mask([value], spec, { fields }) {
  const source = fields.find((each) => each.picture)?.picture();
  const [height, width] = [value.length, value[0].length];
  const colours = value.flat().flatMap((id) => COLOURS[((id % COLOURS.length) + COLOURS.length) % COLOURS.length].map((part) => part / 255));
  const used = [...new Set(value.flat())].sort((a, b) => a - b);
  const name = (id) => spec.note?.labels?.names[id] ?? `class ${id}`;
  const key = used.map((id) => {
    const chip = h("span", { class: "chip", "aria-hidden": "true" });
    chip.style.background = `rgb(${COLOURS[((id % COLOURS.length) + COLOURS.length) % COLOURS.length].join(" ")})`;
    return h("span", { class: "row" }, chip, name(id));
  });
  const picture = (values, caption) => figure({ height, width, channels: 3, values }, caption);
  const isSame = source && source.height === height && source.width === width;
  const grey = (at) => source.values[source.channels === 3 ? at : Math.floor(at / 3)];
  return [
    h("div", { class: "pictures" }, picture(colours, spec.name),
      isSame ? picture(colours.map((part, at) => 0.5 * part + 0.5 * grey(at)), "over the picture") : null),
    h("p", { class: "row" }, key),
  ];
}

function map([value], spec) {
  return h("div", { class: "pictures" }, figure(fromNested(value.map((row) => row.map((each) => [each])), "0..1"), `${spec.name}: white is 1`));
}

function boxes([value], spec, { fields, outputs }) {
  const sent = fields.find((each) => each.sent)?.sent();
  const count = Number(outputs.count?.[0] ?? value.length);
  const rows = value.slice(0, count).map((box, at) => ({ box: box.map(Number), name: textOf(outputs.labels?.[0][at] ?? at), value: Number(outputs.scores?.[0][at] ?? 1) }));
  const rectangle = ({ box: [top, left, bottom, right], name }) =>
    svg("rect", { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) }, svg("title", {}, name));
  const found = `${rows.length} object${rows.length === 1 ? "" : "s"}`;
  const shown = sent && h("div", { class: "over-picture" }, sent,
    svg("svg", { class: "boxes", viewBox: `0 0 ${sent.width} ${sent.height}`, preserveAspectRatio: "none", role: "img", "aria-label": found }, rows.map(rectangle)));
  return [h("p", { class: "big" }, found), shown, rows.length ? barRows(rows, 1) : null].filter(Boolean);
}

function texts(value) {
  return value.map((each) => h("p", { class: "big" }, textOf(each)));
}

function numbers(value) {
  return value.map((each) => h("p", { class: "big" }, short(each)));
}

function json(value) {
  const text = JSON.stringify(value);
  return h("pre", { tabindex: 0 }, text.length > MAX_JSON ? `${text.slice(0, MAX_JSON)} …` : text);
}

/** Returns a text of an answer. A text that is not UTF-8 is in base64. */
function textOf(value) {
  return typeof value === "object" && value !== null && "b64" in value ? `base64: ${value.b64}` : String(value);
}
