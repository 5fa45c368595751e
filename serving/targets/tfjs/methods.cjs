// Adds the methods to tensors with which @tensorflow/tfjs-layers calls operations, such as `x.square()`. The separate
// packages, without @tensorflow/tfjs, have the operations as functions only.
"use strict";
const tf = require("@tensorflow/tfjs-core");

const methods = tf.Tensor.prototype;
for (const [name, operation] of Object.entries(tf)) {
  if (/^[a-z]/.test(name) && typeof operation === "function" && !(name in methods)) {
    methods[name] = function (...rest) {
      return operation(this, ...rest);
    };
  }
}
methods.flatten = function () {
  return tf.reshape(this, [this.size]);
};
