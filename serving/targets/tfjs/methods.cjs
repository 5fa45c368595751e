// Gives tensors the methods by which @tensorflow/tfjs-layers calls operations, such as `x.square()`: the packages that
// are loaded one by one have the operations alone.
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
