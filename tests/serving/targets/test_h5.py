"""Tests that Keras 2 and Keras 3 load exported HDF5 files."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.errors import FailedPrecondition
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import h5py
    import keras
    import numpy as np
    import tensorflow as tf
    import tf_keras
    from keras_gallery.serving.targets import h5 as h5_file
    from keras_gallery.serving.targets.convert import export_to

    from ...models.layer_checks import randomise, to_numpy
    from ...models.registered import inputs, small


def write(model: keras.Model, place: Path) -> tuple[dict[str, Any], list[str]]:
    """Writes an HDF5 file. Returns the configuration of the model in the file, and the notes."""
    notes = h5_file.write(model, None, place)  # type: ignore[arg-type]
    with h5py.File(place) as file:
        return json.loads(file.attrs["model_config"])["config"], notes


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("variational_autoencoder", {}),
        ("tied_autoencoder", {"use_bias": True}),
        ("pointwise_convnet", {"reduction": "depth_pooling"}),
        ("segmenter", {}),
        ("swish_classifier", {}),
        ("detector", {}),
        ("sequence_to_sequence", {}),
        ("sequence_to_vector", {"cell": "lstm", "bidirectional": True}),
        ("word2vec_cbow", {}),
        ("entity_embedding", {}),
    ],
)
def test_keras_2_and_3_load_the_file(tmp_path: Path, name: str, variant: dict[str, Any]) -> None:
    model = small(name, **variant)
    randomise(model)
    write(model, tmp_path / "m.h5")
    x = inputs(model, 3)
    want = [to_numpy(each) for each in keras.tree.flatten(model(x, training=False))]
    for library in (tf_keras, keras):
        again = library.models.load_model(tmp_path / "m.h5", compile=False)
        outputs = again(tf.nest.pack_sequence_as(again.input, tf.nest.flatten(x)), training=False)
        for got, value in zip(tf.nest.flatten(outputs), want, strict=True):
            np.testing.assert_allclose(to_numpy(got), value, rtol=1e-5, atol=1e-5)


def test_the_keras_2_format(tmp_path: Path) -> None:
    config, notes = write(small("residual_network"), tmp_path / "m.h5")
    assert notes == ["block_2_1_shortcut_channels: PadChannels written as Permute, ZeroPadding2D"]
    first, *others = config["layers"]
    assert first["config"]["batch_input_shape"] == [None, 8, 8, 1] and first["inbound_nodes"] == []
    assert others[0]["inbound_nodes"] == [[["image", 0, 0, {}]]] and others[0]["config"]["dtype"] == "float32"
    assert config["output_layers"] == [["probabilities", 0, 0]]
    assert not any(key in json.dumps(config) for key in ("module", "registered_name", "initializer"))
    with h5py.File(tmp_path / "m.h5") as file:
        weights = file["model_weights"]
        assert file.attrs["keras_version"] == weights.attrs["keras_version"] == "2.15.0"
        names = weights["probabilities"].attrs["weight_names"].tolist()
        assert names == ["probabilities/kernel:0", "probabilities/bias:0"]
        assert weights["probabilities/probabilities/kernel:0"].shape == (8, 10)


def test_the_export_is_checked_in_keras_2_and_3(tmp_path: Path) -> None:
    model = small("lstm")
    randomise(model)
    exported = export_to("h5", model, tmp_path / "m.h5")
    assert (
        exported.runtime == f"Keras 2 (tf_keras {importlib.metadata.version('tf_keras')}) and Keras {keras.__version__}"
    )
    assert exported.notes == []


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (keras.layers.Dense(2, activation="hard_sigmoid", name="d"), "d has the activation hard_sigmoid"),
        (keras.layers.GroupNormalization(1, name="g"), "g is of class GroupNormalization"),
        (keras.layers.BatchNormalization(synchronized=True, name="n"), "n has synchronized=True"),
    ],
)
def test_the_keras_3_format_for_layers_that_keras_2_lacks(
    tmp_path: Path, layer: keras.layers.Layer, reason: str
) -> None:
    x = keras.Input((4, 2))
    model = keras.Model(x, layer(x))
    _, notes = write(model, tmp_path / "m.h5")
    assert notes == [f"the file has the format of Keras 3, because Keras 2 cannot load the model: layer {reason}"]
    assert h5_file.runtime(tmp_path / "m.h5") == f"Keras {keras.__version__}"
    values = np.random.default_rng(0).random((2, 4, 2), np.float32)
    again = keras.saving.load_model(tmp_path / "m.h5", compile=False)
    np.testing.assert_allclose(to_numpy(again(values)), to_numpy(model(values)), atol=1e-6)


def test_the_keras_3_format_for_initial_states_from_another_layer(tmp_path: Path) -> None:
    model = small("encoder_decoder")
    _, notes = write(model, tmp_path / "m.h5")
    assert notes[-1].endswith("cannot load the model: layer output_states is called with initial_state")
    x = inputs(model, 2)
    again = keras.saving.load_model(tmp_path / "m.h5", compile=False)
    np.testing.assert_allclose(to_numpy(again(x)), to_numpy(model(x)), atol=1e-6)


def test_operations_of_keras_ops_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(FailedPrecondition, match="get_item.* of forecast is the operation GetItem"):
        write(small("deep_rnn", season=3), tmp_path / "m.h5")
