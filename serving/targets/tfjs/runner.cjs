// Runs a TensorFlow.js model in Node: node runner.cjs MODEL.JSON
// Standard input: a line of JSON with a weights manifest entry for each input, then the bytes of the inputs.
// Standard output: the outputs in the same format.
// Inputs and outputs of a graph model have the names of its signature. Inputs and outputs of a layers model are in the
// model's order.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const tf = require("@tensorflow/tfjs-core");
require("@tensorflow/tfjs-backend-cpu");

console.warn = () => {}; // TensorFlow.js warns that other backends are faster

const buffer = (bytes) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);

function source(file, model) {
  const weights = async (manifest) => {
    const names = manifest.flatMap((group) => group.paths);
    const shards = names.map((name) => fs.readFileSync(path.join(path.dirname(file), name)));
    return [manifest.flatMap((group) => group.weights), buffer(Buffer.concat(shards))];
  };
  return { load: () => tf.io.getModelArtifactsForJSON(model, weights) };
}

async function runGraphModel(handler, model, inputs) {
  const graph = await require("@tensorflow/tfjs-converter").loadGraphModel(handler);
  const names = Object.keys(model.signature.outputs);
  return [names, await graph.executeAsync(inputs, names)];
}

async function runLayersModel(handler, model, inputs) {
  require("./methods.cjs");
  const layers = await require("@tensorflow/tfjs-layers").loadLayersModel(handler);
  const outputs = layers.predict(Object.values(inputs));
  return [layers.outputs.map((_, at) => String(at)), outputs];
}

async function main(file) {
  const request = fs.readFileSync(0);
  const end = request.indexOf("\n");
  const specs = JSON.parse(request.subarray(0, end).toString("utf8"));
  const inputs = tf.io.decodeWeights(buffer(request.subarray(end + 1)), specs);
  const model = JSON.parse(fs.readFileSync(file, "utf8"));
  const run = model.format === "graph-model" ? runGraphModel : runLayersModel;
  const [names, outputs] = await run(source(file, model), model, inputs);
  const tensors = Array.isArray(outputs) ? outputs : [outputs];
  const encoded = await tf.io.encodeWeights(tensors.map((tensor, at) => ({ name: names[at], tensor })));
  process.stdout.write(JSON.stringify(encoded.specs) + "\n");
  process.stdout.write(Buffer.from(encoded.data));
}

main(process.argv[2]).catch((error) => {
  console.error(String(error.message).split("\n")[0]);
  process.exitCode = 1;
});
