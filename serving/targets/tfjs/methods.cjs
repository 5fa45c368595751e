// Adds a method for each operation to tensors, such as `x.square()`, because @tensorflow/tfjs-layers calls these methods.
// The package @tensorflow/tfjs would add the methods. The packages that are used here have functions only.
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
