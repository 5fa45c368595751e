"""Writes the files of Keras 2.2.4 (2018) in this folder. `make_keras2.py` writes the files of Keras 2.12.

Keras 2.2.4 runs on Theano 1.0.5. Both packages support Python up to 3.7:

    pip install keras==2.2.4 theano==1.0.5 h5py numpy scipy
    KERAS_BACKEND=theano THEANO_FLAGS=cxx=,device=cpu,floatX=float32,blas.ldflags= python make_keras224.py

The files in this folder were written on Python 3.11 with NumPy 1.23 and SciPy 1.10. Names that the two packages use,
and that newer versions removed, were restored first: `collections.Callable` and similar names, `inspect.getargspec`,
`scipy.signal.sigtools` and `scipy.signal.signaltools`.
"""

import os
import shutil
import tempfile

import keras
import numpy as np
from keras import layers


def convnet():
    """Returns a model whose file has old formats: no InputLayer, and initializers stored as VarianceScaling.

    Theano flips convolution kernels.
    """
    model = keras.models.Sequential(
        [
            layers.Conv2D(3, (3, 2), activation="relu", input_shape=(6, 5, 2)),
            layers.BatchNormalization(axis=-1),
            layers.Conv2D(2, 2, strides=2),
            layers.Flatten(),
            layers.Dense(4, activation="hard_sigmoid", kernel_initializer="he_uniform"),
            layers.Activation("hard_sigmoid"),
        ]
    )
    model.compile(keras.optimizers.SGD(lr=0.05), "kullback_leibler_divergence", metrics=["acc"])
    return model


def recurrent():
    """Returns a model with a nested model and recurrent layers with hard_sigmoid, which was the default in 2018."""
    x = layers.Input((5, 3), name="history")
    inner = keras.models.Sequential([layers.GRU(3, input_shape=(5, 3)), layers.Dense(2)], name="inner")
    merged = layers.concatenate([layers.LSTM(4)(x), inner(x), layers.Bidirectional(layers.LSTM(2))(x)])
    model = keras.models.Model(x, layers.Dense(2, name="out/put")(merged))
    model.compile("rmsprop", "logcosh")
    return model


def set_weights(model, rng):
    """Sets random weights, because equal weights would hide wrongly assigned weights. Variances stay positive."""
    for layer in model.layers:
        old = layer.get_weights()
        new = [rng.uniform(0.1, 0.6, each.shape) * rng.choice([-1, 1], each.shape) for each in old]
        if isinstance(layer, layers.BatchNormalization):
            new[-1] = abs(new[-1])
        layer.set_weights(new)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    for build in (convnet, recurrent):
        model, rng = build(), np.random.RandomState(1)
        set_weights(model, rng)
        inputs = rng.normal(size=(3,) + model.input_shape[1:]).astype("float32")
        named = {"inputs/" + model.input_names[0]: inputs, "outputs/" + model.output_names[0]: model.predict(inputs)}
        folder = tempfile.mkdtemp()
        np.savez(os.path.join(folder, "answers.npz"), **named)
        model.save(os.path.join(folder, "model.h5"))
        shutil.make_archive(os.path.join(here, "keras224_" + build.__name__), "zip", folder)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
