// Tests of the page's pure functions. test_functions.py runs this file with Node, next to the page's files.

import assert from "node:assert/strict";
import test from "node:test";

import { metrics, models, parse } from "./api.js";
import { scale } from "./chart.js";
import { readSeries } from "./csv.js";
import { rowsOf, shapeText } from "./drawing.js";
import { between, parseMetrics, quantile, totals } from "./metrics.js";
import * as pixels from "./pixels.js";
import { example, inputKind, outputKind, readSignatures, takesTheSame } from "./signatures.js";
import { shell, snippets } from "./snippets.js";
import { tokensOf } from "./tokens.js";
import { described, sentence } from "./words.js";

const tensor = (dtype, sizes, last = "") => ({
  dtype: `DT_${dtype}`,
  tensor_shape: { dim: sizes.map((size, at) => ({ size: String(size), name: at === sizes.length - 1 ? last : "" })), unknown_rank: false },
});
const metadata = (definitions) => ({ metadata: { signature_def: { signature_def: definitions } } });
const specOf = (...info) => readSignatures(metadata({ a: { inputs: { x: tensor(...info) }, outputs: {} } }))[0].inputs[0];
const labels = JSON.stringify({ labels: { names: ["no", "yes"] } });
const image = tensor("FLOAT", [-1, 28, 28, 1], "pixels -1..1");
const probabilities = tensor("FLOAT", [-1, 2], labels);

test("the most useful signature is the first", () => {
  const found = readSignatures(metadata({
    serving_default: { inputs: { image }, outputs: { probabilities } },
    embed: { inputs: { image }, outputs: { embedding: tensor("FLOAT", [-1, 5]) } },
    classify: { inputs: { image }, outputs: { probabilities } },
    classify_example: { method_name: "tensorflow/serving/classify", inputs: {}, outputs: {} },
    classify_padded: { inputs: {}, outputs: {} },
    __saved_model_init_op: { inputs: {}, outputs: {} },
    classify_png: { inputs: { image_bytes: tensor("STRING", [-1], "pixels -1..1") }, outputs: { probabilities } },
  }));
  assert.deepEqual(found.filter(({ isForPeople }) => isForPeople).map(({ name }) => name), ["classify_png", "classify", "embed", "serving_default"]);
  const order = readSignatures(metadata(Object.fromEntries(
    ["caption", "caption_png", "caption_beam", "caption_beam_png"].map((name) => [name, { inputs: { image }, outputs: {} }]))));
  assert.deepEqual(order.map(({ name }) => name), ["caption_png", "caption", "caption_beam_png", "caption_beam"]);
  assert.equal(found.length, 6); // the table of signatures has the others, too
  assert.equal(sentence(found), "Says to which class a picture of 28×28 grey pixels belongs: no, yes.");
});

test("the kinds of inputs follow from dtype, shape and note", () => {
  const column = (content) => JSON.stringify({ column: { name: "c", ...content } });
  const table = (...types) => JSON.stringify({ preparation: { kind: "table", columns: types.map((type) => ({ name: type, type })) } });
  const kinds = [
    [["FLOAT", [-1, 28, 28, 1]], "picture"],
    [["UINT8", [-1, -1, -1, 3]], "picture"],
    [["FLOAT", [-1, 28, 28, 2]], "json"],
    [["STRING", [-1], "pixels 0..1"], "file"],
    [["STRING", [-1], column({ type: "category", names: ["a"] })], "category"],
    [["STRING", [-1]], "text"],
    [["FLOAT", [-1], column({ type: "number" })], "number"],
    [["INT64", []], "integer"],
    [["FLOAT", [-1, 2], table("number", "number")], "columns"],
    [["FLOAT", [-1, 2], table("number", "category")], "bars"],
    [["FLOAT", [-1, 65]], "json"],
    [["FLOAT", [-1, 12, 1]], "series"],
    [["INT64", [-1, 2]], "json"],
    [["FLOAT", [-1, 2], "{not json"], "bars"],
  ];
  for (const [info, wanted] of kinds) assert.equal(inputKind(specOf(...info)), wanted, JSON.stringify(info));
  assert.equal(inputKind({ name: "x", dtype: "float", shape: null }), "json");
});

test("one view shows the outputs that belong together", () => {
  const kinds = (inputs, outputs) => {
    const [signature] = readSignatures(metadata({ a: { inputs, outputs } }));
    return Object.fromEntries(signature.outputs.map((each) => [each.name, outputKind(each, signature)]));
  };
  const one = tensor("FLOAT", [-1]);
  const words = tensor("STRING", [-1, -1]);
  assert.deepEqual(kinds({ image }, { label: tensor("STRING", [-1]), score: one, probabilities }), { label: "", score: "", probabilities: "classes" });
  assert.deepEqual(kinds({ image }, { label: tensor("STRING", [-1]), score: one }), { label: "texts", score: "score" });
  assert.deepEqual(kinds({ image }, { a: tensor("FLOAT", [-1, 1]), b: tensor("FLOAT", [-1, 2]) }), { a: "numbers", b: "bars" });
  assert.deepEqual(kinds({ image }, { score: one, anomaly: tensor("BOOL", [-1]) }), { score: "score", anomaly: "" });
  assert.deepEqual(kinds({}, { names: words, similarities: tensor("FLOAT", [-1, -1]) }), { names: "neighbours", similarities: "" });
  assert.deepEqual(kinds({ image }, { boxes: tensor("FLOAT", [-1, 9, 4]), mask: tensor("INT32", [-1, 8, 8], labels) }), { boxes: "boxes", mask: "mask" });
  assert.deepEqual(kinds({ image }, { confidence: tensor("FLOAT", [-1, 8, 8]), mask: tensor("UINT8", [-1, 8, 8]) }), { confidence: "map", mask: "mask" });
  const found = { boxes: tensor("FLOAT", [-1, 9, 4]), scores: tensor("FLOAT", [-1, 9]), labels: tensor("STRING", [-1, 9]), count: tensor("INT32", [-1]) };
  assert.deepEqual(kinds({ image }, found), { boxes: "boxes", scores: "", labels: "", count: "" });
  const tags = { label: words, score: tensor("FLOAT", [-1, -1]), probabilities: tensor("FLOAT", [-1, -1, 2], labels) };
  assert.deepEqual(kinds({ text: one }, tags), { label: "tags", score: "", probabilities: "" });
  assert.deepEqual(kinds({ text: one }, { p: tags.probabilities, other: one }), { p: "tags", other: "numbers" });
  assert.deepEqual(kinds({ x: tensor("FLOAT", [-1, -1, 1]) }, { y: tensor("FLOAT", [-1, 2, 1]) }), { y: "series" });
});

test("a layer is below the layers before it, and an input just above its first use", () => {
  const layers = [[], [0], [1], [], [2, 3], [0, 4]].map((inputs) => ({ inputs }));
  assert.deepEqual(rowsOf(layers), [0, 1, 2, 2, 3, 4]);
  assert.equal(shapeText([[null, 28, 28, 1], [null, null, 4], [null]]), "28 × 28 × 1, any × 4, one value");
});

test("descriptions, examples and the comparison of signatures", () => {
  assert.equal(described(specOf("FLOAT", [-1, 28, 28, 1], "pixels 0..1")), "float (batch, 28, 28, 1), pixel values 0..1");
  assert.equal(described(specOf("FLOAT", [-1, 2], labels)), "float (batch, 2), the classes no, yes");
  const column = { type: "category", name: "c", names: ["a", "b"], takes_others: true };
  assert.equal(described(specOf("STRING", [-1], JSON.stringify({ column }))), "string (batch), one of a, b, others count as unknown");
  assert.deepEqual(example(specOf("INT64", [-1, 2])), [[0, 0]]);
  const [one, other] = ["FLOAT", "DOUBLE"].map((dtype) => ({ inputs: [specOf(dtype, [-1])] }));
  assert.ok(takesTheSame(one, one) && !takesTheSame(one, other));
  const [wide, narrow] = ["-1..1", "0..1"].map((range) => ({ inputs: [specOf("FLOAT", [-1, 8, 8, 1], `pixels ${range}`)] }));
  const files = ["-1..1", "0..1"].map((range) => ({ inputs: [specOf("STRING", [-1], `pixels ${range}`)] }));
  assert.ok(!takesTheSame(wide, narrow) && takesTheSame(...files));
});

test("JSON with numbers that are not finite", () => {
  assert.deepEqual(parse('{"a": [NaN, -Infinity, 1], "NaN": "Infinity \\" NaN"}'), { a: ["NaN", "-Infinity", 1], NaN: 'Infinity " NaN' });
  assert.throws(() => parse("<html>"));
});

test("metrics: rates and latencies between two readings", () => {
  const reading = (requests, errors, quick, all) => totals(parseMetrics([
    "# TYPE x counter",
    `keras_gallery:requests_total{method="Predict",model_name="a\\"b",signature="s",engine="openvino",status="OK"} ${requests}`,
    `keras_gallery:requests_total{method="Predict",model_name="a\\"b",signature="",engine="",status="INTERNAL"} ${errors}`,
    `keras_gallery:requests_total{method="GetModelStatus",model_name="a\\"b",status="OK"} 99`,
    `:tensorflow:serving:request_latency_bucket{model_name="a\\"b",le="1000"} ${quick}`,
    `:tensorflow:serving:request_latency_bucket{model_name="a\\"b",le="+Inf"} ${all}`,
  ].join("\n"))).get('a"b');
  const [before, now] = [reading(10, 1, 10, 10), reading(30, 3, 30, 30)];
  assert.deepEqual(between(before, now, 2), { rate: 11, errors: 1, median: 0.5 });
  assert.deepEqual([...now.engines], [["s", "openvino"]]);
  assert.equal(between(now, now, 2).median, null);
  assert.equal(quantile([[10, 1], [20, 3], [40, 4]], 0.5) * 1000, 15);
});

test("pictures: pixel values, noise and PSNR", () => {
  const bytes = [255, 0, 0, 255, 255, 255, 255, 255];
  const grey = pixels.fromBytes(bytes, 1, 2, 1);
  assert.deepEqual(grey.values.map((value) => Number(value.toFixed(3))), [0.299, 1]);
  assert.deepEqual([...pixels.toBytes(pixels.fromBytes(bytes, 1, 2, 3))], bytes);
  assert.deepEqual(pixels.toNested(grey, "-1..1"), [[[-0.402], [1]]]);
  assert.deepEqual(pixels.toNested(grey, "0..255"), [[[76.245], [255]]]);
  assert.deepEqual(pixels.fromNested([[[-1], [1]]], "-1..1").values, [0, 1]);
  const flat = { height: 100, width: 100, channels: 1, values: Array(10_000).fill(0.5) };
  const noisy = pixels.withNoise(flat, 0.1, 3);
  assert.deepEqual(noisy, pixels.withNoise(flat, 0.1, 3));
  assert.ok(Math.abs(pixels.psnr(flat, noisy) - 20) < 0.2); // -10 log10(0.1²) = 20 dB
  assert.equal(pixels.psnr(flat, flat), Infinity);
});

test("CSV: headers, separators and errors", () => {
  assert.deepEqual(readSeries("day,load\n2020-01-01,3\n2020-01-02,4.5\n", 1), [[3], [4.5]]);
  assert.deepEqual(readSeries('b;"a"\r\n1;2\r\n', 2, ["a", "b"]), [[2, 1]]);
  assert.deepEqual(readSeries("1 2\n3\t4", 2), [[1, 2], [3, 4]]);
  assert.throws(() => readSeries("1\nx", 1), /Expected a number in line 2 .* Received: x/);
  assert.throws(() => readSeries("1\n2", 2), /Expected 2 numbers in line 1/);
  assert.throws(() => readSeries("\n", 1), /empty/);
});

test("a chart has the smallest value at the bottom and the last step on the right", () => {
  const { x, y } = scale([{ points: [[0, 1], [4, 3]] }]);
  assert.ok(y(1) > y(2) && y(2) > y(3) && x(4) > x(0));
  assert.equal(y(2), (y(1) + y(3)) / 2);
});

test("tokens of a text, by their number", () => {
  assert.deepEqual(tokensOf(["a 😀", "b"], 3), [["a", " ", "😀"], ["b"]]);
  assert.deepEqual(tokensOf(["Größe, don't!", "x"], 2), [["Größe", "don't"], ["x"]]);
  assert.deepEqual(tokensOf(["größe 1x"], 3), [["gr", "e", "1x"]]); // as the split "words", which knows ASCII only
  assert.deepEqual(tokensOf(["a-b c"], 2), [["a-b", "c"]]);
  assert.deepEqual(tokensOf(["abc"], 2), [["1", "2"]]);
});

test("programs quote what they contain", () => {
  assert.equal(shell("it's"), `'it'\\''s'`);
  const { curl, python, javascript, file } = snippets("http://h:1", "a b'", "3", { signature_name: "s", inputs: { x: ["'", true, null] } });
  assert.equal(curl, `curl -d '{"signature_name":"s","inputs":{"x":["'\\''",true,null]}}' 'http://h:1/v1/models/a%20b'\\''/versions/3:predict'`);
  assert.match(python, /client\.predict\("a b'", inputs, signature="s", version=3\)/);
  assert.match(python, /"x": \["'", True, None\],/);
  assert.match(javascript, /fetch\("http:\/\/h:1\/v1\/models\/a%20b'\/versions\/3:predict"/);
  assert.equal(file, null);
});

test("a long body goes into a file", () => {
  const body = { signature_name: "s", inputs: { x: [{ b64: "A".repeat(30_000) }] } };
  const { curl, python, javascript, file } = snippets("http://h:1", "m", "", body);
  assert.deepEqual(JSON.parse(file), body);
  assert.equal(curl, "curl -d @request.json 'http://h:1/v1/models/m:predict'");
  assert.match(python, /base64\.b64decode\(each\["b64"\]\) for each in/);
  assert.ok(python.length + javascript.length < 2000);
});

test("the page asks for a token and sends it", async () => {
  const stored = new Map();
  const sent = [];
  const answers = ["wrong", "right", null];
  let valid = "right";
  globalThis.sessionStorage = { getItem: (key) => stored.get(key) ?? null, setItem: (key, value) => stored.set(key, value) };
  globalThis.prompt = () => answers.shift();
  globalThis.fetch = async (path, { headers }) => {
    sent.push(headers.authorization);
    if (headers.authorization !== `Bearer ${valid}`) return new Response('{"error": "no"}', { status: 401 });
    return path === "/metrics" ? new Response("", { status: 403 }) : new Response('{"models": []}');
  };
  assert.deepEqual(await models(), []);
  assert.deepEqual(sent, [undefined, "Bearer wrong", "Bearer right"]);
  assert.deepEqual(await models(), []);
  assert.equal(await metrics("/metrics"), "");
  assert.equal(sent.length, 5);
  valid = "other"; // the token has been removed: the page asks again, and never after that if nothing is entered
  await assert.rejects(models(), /no/);
  await assert.rejects(models(), /no/);
  assert.equal(sent.length, 7);
  assert.equal(answers.length, 0);
});
