"""Writes the files of Keras 2.12 in this folder: models, weights, SavedModels, and the outputs of Keras 2.12.

This script needs a separate environment with Python up to 3.11 and TensorFlow 2.12, which contains Keras 2.12:

    pip install tensorflow-cpu==2.12.*
    python make_keras2.py

Each `keras2_<name>.zip` contains `answers.npz`, with arrays `inputs/<input>` and `outputs/<output>`, and the files that
`FORMS` lists: `model.h5`, `weights.h5` (from `save_weights`), `model.keras` and the folder `saved_model`.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import keras2_models
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

FOLDER = Path(__file__).parent


FORMS: dict[str, tuple[str, ...]] = {
    "dense_autoencoder": ("model.h5", "weights.h5", "model.keras", "saved_model"),
    "flat_autoencoder": ("model.h5",),
    "convnet": ("model.h5", "saved_model"),
    "recurrent": ("model.h5", "weights.h5"),
    "sequence_to_sequence": ("model.h5",),
    "time_major": ("model.h5",),
    "several": ("model.h5", "weights.h5", "model.keras"),
    "activations": ("model.h5",),
    "operations": ("model.h5",),
    "preprocessing": ("model.h5",),
    "mixed_precision": ("model.h5",),
    "variational_autoencoder": ("model.h5",),
    "code": ("model.h5",),
    "subclassed": ("saved_model",),
}


def example(x: tf.Tensor, rng: np.random.Generator) -> np.ndarray:
    """Returns random inputs. The batch size is 3, unless the model has a fixed batch size."""
    shape = (x.shape[0] or 3, *x.shape[1:])
    return rng.integers(0, 11, shape, np.int32) if x.dtype.is_integer else rng.normal(size=shape).astype(np.float32)


def set_weights(model: keras.Model, rng: np.random.Generator) -> None:
    """Sets random weights, because equal weights would hide wrongly assigned weights. Variances stay positive."""
    for weight in model.weights:
        if weight.dtype.is_floating:
            signs = 1 if "variance" in weight.name else rng.choice([-1, 1], weight.shape)
            weight.assign(rng.uniform(0.1, 0.6, weight.shape) * signs)
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()


def answers(model: keras.Model, rng: np.random.Generator) -> dict[str, np.ndarray]:
    symbols = model.inputs or [tf.keras.Input((3,), name="x")]
    inputs = {x.name: example(x, rng) for x in symbols}
    arrays = list(inputs.values())
    outputs = tf.nest.flatten(model(arrays if len(arrays) > 1 else arrays[0], training=False))
    names = model.output_names or ["output_1"]
    return {f"inputs/{name}": value for name, value in inputs.items()} | {
        f"outputs/{name}": value.numpy() for name, value in zip(names, outputs, strict=True)
    }


def save(model: keras.Model, form: str, folder: Path) -> None:
    if form == "weights.h5":
        model.save_weights(folder / form)
    elif form == "model.keras":
        model.save(folder / form, save_format="keras_v3")
    else:
        model.save(folder / form)


def main() -> None:
    for name, forms in FORMS.items():
        keras.backend.clear_session()
        keras.utils.set_random_seed(7)
        model, rng = getattr(keras2_models, name)(), np.random.default_rng(1)
        set_weights(model, rng)
        with tempfile.TemporaryDirectory() as folder:
            np.savez(f"{folder}/answers.npz", **answers(model, rng))
            for form in forms:
                save(model, form, Path(folder))
            shutil.make_archive(str(FOLDER / f"keras2_{name}"), "zip", folder)


if __name__ == "__main__":
    main()
