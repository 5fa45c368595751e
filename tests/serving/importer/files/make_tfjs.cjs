// Writes the layers models in tfjs/, and for each model inputs and the outputs that TensorFlow.js computes:
//     NODE_PATH=tests/javascript/node_modules node tests/serving/importer/files/make_tfjs.cjs
// Each folder of tfjs/ contains the files model.json and model.weights.bin that TensorFlow.js saves, and answers.json.
// The file answers.json lists the inputs and the outputs in order, with their shapes and values.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const tf = require("@tensorflow/tfjs-core");
require("@tensorflow/tfjs-backend-cpu");
require("../../../../serving/targets/tfjs/methods.cjs");
const { input, layers, model, sequential } = require("@tensorflow/tfjs-layers");

const BATCH = 3;

function random(seed) {
  // mulberry32: reproducible random numbers in [0, 1)
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const values = (next, shape, scale, shift) =>
  tf.tensor(Array.from({ length: tf.util.sizeFromShape(shape) }, () => next() * scale + shift), shape);

const models = {
  dense_autoencoder: () => {
    const image = input({ shape: [12], name: "image" });
    const hidden = layers.dense({ units: 8, activation: "relu" }).apply(image);
    const encoder = model({ inputs: image, outputs: layers.dense({ units: 3, name: "code" }).apply(hidden), name: "encoder" });
    const decoder = sequential({ name: "decoder" });
    decoder.add(layers.dense({ units: 8, activation: "elu", inputShape: [3] }));
    decoder.add(layers.dense({ units: 12, activation: "sigmoid", kernelRegularizer: "l1l2" }));
    return model({ inputs: image, outputs: decoder.apply(encoder.apply(image)), name: "autoencoder" });
  },
  convnet: () => {
    const net = sequential();
    net.add(layers.conv2d({ filters: 4, kernelSize: 3, padding: "same", inputShape: [8, 8, 2], useBias: false }));
    net.add(layers.batchNormalization());
    net.add(layers.reLU({ maxValue: 6 }));
    net.add(layers.maxPooling2d({ poolSize: 2 }));
    net.add(layers.separableConv2d({ filters: 5, kernelSize: 3, activation: "tanh" }));
    net.add(layers.conv2dTranspose({ filters: 3, kernelSize: 2, strides: 2 }));
    net.add(layers.upSampling2d({ size: [2, 2] }));
    net.add(layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2 }));
    net.add(layers.leakyReLU({ alpha: 0.2 }));
    net.add(layers.dropout({ rate: 0.5 }));
    net.add(layers.flatten());
    net.add(layers.dense({ units: 4, activation: "softmax", name: "probabilities" }));
    net.compile({ optimizer: "adam", loss: "categoricalCrossentropy" });
    return net;
  },
  recurrent: () => {
    const sequence = input({ shape: [null, 3], name: "sequence" });
    const first = layers.lstm({ units: 5, returnSequences: true, recurrentActivation: "hardSigmoid" }).apply(sequence);
    const both = layers.bidirectional({ layer: layers.gru({ units: 4, returnSequences: true }), mergeMode: "concat" });
    const last = layers.simpleRNN({ units: 4 }).apply(both.apply(first));
    return model({ inputs: sequence, outputs: layers.dense({ units: 1, name: "prediction" }).apply(last) });
  },
  embedding: () => {
    const net = sequential({ name: "words" });
    net.add(layers.embedding({ inputDim: 20, outputDim: 6, inputLength: 7, embeddingsInitializer: "randomNormal" }));
    net.add(layers.conv1d({ filters: 5, kernelSize: 3, activation: "selu" }));
    net.add(layers.timeDistributed({ layer: layers.dense({ units: 4 }) }));
    net.add(layers.layerNormalization());
    net.add(layers.globalMaxPooling1d({}));
    net.add(layers.dense({ units: 1, activation: "sigmoid" }));
    return net;
  },
  several: () => {
    const left = input({ shape: [4], name: "left" });
    const right = input({ shape: [6], name: "right" });
    const shared = layers.dense({ units: 5, activation: "softplus", kernelInitializer: "heNormal", name: "shared" });
    const sum = layers.add().apply([shared.apply(left), shared.apply(layers.dense({ units: 4 }).apply(right))]);
    const all = layers.concatenate().apply([sum, layers.reshape({ targetShape: [6] }).apply(right)]);
    const outputs = [layers.dense({ units: 2, name: "first" }), layers.dense({ units: 3, name: "second" })];
    return model({ inputs: [left, right], outputs: outputs.map((each) => each.apply(all)) });
  },
};

async function make(name, seed) {
  const made = models[name]();
  const next = random(seed);
  const isVariance = (weight) => weight.originalName.includes("variance");
  for (const weight of made.weights) weight.write(values(next, weight.shape, 1, isVariance(weight) ? 0.5 : -0.5));
  const isIds = made.layers[0].getClassName() === "Embedding";
  const given = made.inputs.map(({ shape }) => values(next, [BATCH, ...shape.slice(1).map((size) => size ?? 6)], isIds ? 20 : 1, 0));
  const inputs = isIds ? given.map((each) => each.floor()) : given;
  const found = made.predict(inputs.length > 1 ? inputs : inputs[0]);
  const listed = (tensors) => tensors.map((each) => ({ shape: each.shape, values: Array.from(each.dataSync()) }));
  const answers = { inputs: listed(inputs), outputs: listed(Array.isArray(found) ? found : [found]) };

  const folder = path.join(__dirname, "tfjs", name);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, "answers.json"), JSON.stringify(answers) + "\n");
  // Receives the files that TensorFlow.js sends to a server as a form, and writes the files to the folder.
  const fetchFunc = async (_, { body }) => {
    for (const [file, content] of body) fs.writeFileSync(path.join(folder, file), Buffer.from(await content.arrayBuffer()));
    return { ok: true };
  };
  await made.save(tf.io.http("http://localhost", { fetchFunc }));
}

(async () => {
  for (const [at, name] of Object.keys(models).entries()) await make(name, at + 1);
})();
