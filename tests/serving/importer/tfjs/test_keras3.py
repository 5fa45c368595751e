"""Tests of layers models that the converter of TensorFlow.js writes from models of Keras 3."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import keras
    import numpy as np
    from keras import layers
    from keras_gallery.serving.importer.tfjs import weights_names

Weights = dict[str, Any]
KEYS_LEFT_OUT = ("module", "registered_name")  # the converter removes these keys from the configuration


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Returns a model with depthwise and separable convolutions, a nested model, a shared layer and an LSTM."""
    x = keras.Input((6, 6, 3), name="x")
    nested = keras.Sequential([keras.Input((6, 6, 3)), layers.DepthwiseConv2D(3, name="dw")], name="nested")
    y = layers.BatchNormalization(name="bn")(layers.SeparableConv2D(4, 2, name="separable")(nested(x)))
    y = layers.Bidirectional(layers.LSTM(2), name="both")(layers.Dropout(0.5)(layers.Reshape((9, 4))(y)))
    shared = layers.Dense(4, name="shared")
    built = keras.Model(x, layers.Add()([shared(y), shared(shared(y)) * 2.0]))
    rng = np.random.default_rng(0)
    for variable in built.weights:
        variable.assign(rng.random(variable.shape))
    return built


def by_name(model: keras.Model, folder: Path) -> Weights:
    """Returns the weights by the names in an HDF5 file of the model."""
    return {variable.path: variable.numpy() for variable in model.weights}


def by_path(model: keras.Model, folder: Path) -> Weights:
    """Returns the weights by their paths in a .keras file of the model."""
    model.save_weights(folder / "w.weights.h5")
    found: Weights = {"optimizer/vars/0": np.zeros(3, np.float32)}
    with h5py.File(folder / "w.weights.h5") as file:
        file.visititems(lambda name, each: found.update({name: each[()]} if isinstance(each, h5py.Dataset) else {}))
    return found


def without(value: Any, keys: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: without(each, keys) for key, each in value.items() if key not in keys}
    return [without(each, keys) for each in value] if isinstance(value, list) else value


def written(model: keras.Model, weights: Weights, folder: Path, quantization: str = "") -> Path:
    """Writes the model as the converter does."""
    specs, parts = [], []
    for name, value in weights.items():
        dtype = "int32" if value.dtype.kind in "iu" else "float32"
        spec = {"name": name, "shape": list(value.shape), "dtype": dtype}
        if quantization and dtype == "float32":
            spec["quantization"] = {"dtype": quantization, "original_dtype": "float32"}
        specs.append(spec)
        parts.append(value.astype(quantization if "quantization" in spec else dtype).tobytes())
    topology = {"keras_version": keras.__version__, "model_config": without(json.loads(model.to_json()), KEYS_LEFT_OUT)}
    manifest = [{"paths": ["w.bin"], "weights": specs}]
    (folder / "w.bin").write_bytes(b"".join(parts))
    (folder / "model.json").write_text(
        json.dumps({"format": "layers-model", "modelTopology": topology, "weightsManifest": manifest}), "utf-8"
    )
    return folder


@pytest.mark.parametrize(("names", "quantization"), [(by_name, "float16"), (by_path, "")])
def test_weights_are_found(
    model: keras.Model, names: Callable[..., Weights], quantization: str, tmp_path: Path, read: Callable[..., Any]
) -> None:
    result = read(written(model, names(model, tmp_path), tmp_path, quantization))
    x = np.random.default_rng(1).random((2, 6, 6, 3), np.float32)
    tolerance = 2e-3 if quantization else 1e-6
    np.testing.assert_allclose(result.model(x), model(x), rtol=tolerance, atol=tolerance)
    assert result.changes == [] and f"written by Keras {keras.__version__}: " in result.description


def test_weights_with_paths_that_belong_to_no_layer(
    model: keras.Model, tmp_path: Path, read: Callable[..., Any]
) -> None:
    weights = by_path(model, tmp_path) | {"layers/unknown/vars/0": np.zeros(1, np.float32)}
    with pytest.raises(InvalidArgument, match=r"^Expected a layer of the model for weight 'layers/unknown/vars/0'"):
        read(written(model, weights, tmp_path))
    del weights["layers/unknown/vars/0"], weights["layers/dense/vars/1"]
    with pytest.raises(InvalidArgument, match=r"^The manifest has no weight 'layers/dense/vars/1'$"):
        read(written(model, weights, tmp_path))


def test_numbered_weights(model: keras.Model) -> None:
    """Older converters wrote the number of a variable instead of its name."""
    part = keras.Sequential([keras.Input((4,)), model.get_layer("shared")])
    weights_names.load(part, {"shared/1": np.full(4, 7.0), "shared/0": np.full((4, 4), 5.0)})
    assert model.get_layer("shared").bias.numpy().tolist() == [7.0] * 4
