// Answers as a TensorFlow.js model does, in Node: node runner.cjs MODEL.JSON
// On stdin a line of JSON, the entries of the inputs in a weights manifest, then their bytes. On stdout the same of the
// outputs. A graph model takes its inputs by the names of its signature, a layers model in order,
// and so are the outputs named.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const tf = require("@tensorflow/tfjs-core");
require("@tensorflow/tfjs-backend-cpu");

console.warn = () => {}; // that it would be faster elsewhere

const buffer = (bytes) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);

function source(file, model) {
  const weights = async (manifest) => {
    const names = manifest.flatMap((group) => group.paths);
    const shards = names.map((name) => fs.readFileSync(path.join(path.dirname(file), name)));
    return [manifest.flatMap((group) => group.weights), buffer(Buffer.concat(shards))];
  };
  return { load: () => tf.io.getModelArtifactsForJSON(model, weights) };
}

async function graphAnswers(handler, model, inputs) {
  const graph = await require("@tensorflow/tfjs-converter").loadGraphModel(handler);
  const names = Object.keys(model.signature.outputs);
  return [names, await graph.executeAsync(inputs, names)];
}

async function layersAnswers(handler, model, inputs) {
  require("./methods.cjs");
  const layers = await require("@tensorflow/tfjs-layers").loadLayersModel(handler);
  const found = layers.predict(Object.values(inputs));
  return [layers.outputs.map((_, at) => String(at)), found];
}

async function main(file) {
  const request = fs.readFileSync(0);
  const end = request.indexOf("\n");
  const specs = JSON.parse(request.subarray(0, end).toString("utf8"));
  const inputs = tf.io.decodeWeights(buffer(request.subarray(end + 1)), specs);
  const model = JSON.parse(fs.readFileSync(file, "utf8"));
  const answers = model.format === "graph-model" ? graphAnswers : layersAnswers;
  const [names, found] = await answers(source(file, model), model, inputs);
  const tensors = Array.isArray(found) ? found : [found];
  const encoded = await tf.io.encodeWeights(tensors.map((tensor, at) => ({ name: names[at], tensor })));
  process.stdout.write(JSON.stringify(encoded.specs) + "\n");
  process.stdout.write(Buffer.from(encoded.data));
}

main(process.argv[2]).catch((error) => {
  console.error(String(error.message).split("\n")[0]);
  process.exitCode = 1;
});
