"""Tests that TensorFlow.js in Node runs exported graph models and returns the outputs of the Keras model."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.errors import FailedPrecondition, InvalidArgument
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import keras
    import numpy as np
    from keras import layers
    from keras_gallery.serving.signatures import endpoints
    from keras_gallery.serving.targets.convert import export_to
    from keras_gallery.serving.targets.tfjs import folder as tfjs_folder
    from keras_gallery.serving.targets.tfjs.weights import decode, encode, size_of

    from tools import tfjs_operations

    from ....models.layer_checks import randomise, to_numpy
    from ....models.registered import small

from ...tensorflow_js import MODULES, needs_tensorflow_js


@pytest.fixture(autouse=True)
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_NODE_MODULES", str(MODULES))


def sequential(*layers: Any, shape: tuple[int | None, ...] = (4,)) -> keras.Model:
    model = keras.Sequential([keras.Input(shape), *layers])
    randomise(model)
    return model


# The models have different graphs: dense layers, convolutions, loops that write lists, a bidirectional loop, a loop
# with a mask, `Embedding` layers, strings in the outputs, and a loop over the rows of a batch.
@needs_tensorflow_js
@pytest.mark.parametrize(
    ("name", "variant", "signature", "note"),
    [
        ("denoising_autoencoder", {}, "score", ""),
        ("residual_network", {}, "serving_default", ""),
        ("segmenter", {}, "serving_default", ""),
        ("convnet", {}, "classify", "GatherV2 of strings is replaced by other operations"),
        ("detector", {}, "detect", "GatherV2 of strings is replaced by other operations"),
        ("deep_rnn", {"cell": "lstm", "season": 3}, "serving_default", ""),
        ("encoder_decoder", {}, "serving_default", ""),
        ("gru", {}, "regress_padded", "assertions left out: 1"),
        ("entity_embedding", {}, "serving_default", ""),
        ("word2vec_cbow", {}, "serving_default", ""),
    ],
)
def test_outputs_equal_the_model(tmp_path: Path, name: str, variant: dict[str, Any], signature: str, note: str) -> None:
    model = small(name, **variant)
    randomise(model)
    written = export_to("tfjs", model, tmp_path / "exported", signature)  # compares the outputs for batch sizes 1 and 7
    assert written.runtime == f"TensorFlow.js {tfjs_operations.read(MODULES)['version']}"
    assert written.difference < 1e-4 and written.notes == ([note] if note else [])


@needs_tensorflow_js
def test_loading_with_the_public_api_of_tensorflow_js(tmp_path: Path) -> None:
    """Loads the model with `loadGraphModel`. The inputs and outputs have the names of the signature."""
    model = sequential(layers.Dense(3, activation="softmax", name="probabilities"))
    export_to("tfjs", model, tmp_path / "exported")
    x = np.random.default_rng(0).random((2, 4), np.float32)
    script = """
        const tf = require("@tensorflow/tfjs-core");
        require("@tensorflow/tfjs-backend-cpu");
        const { loadGraphModel } = require("@tensorflow/tfjs-converter");
        const [folder, values] = process.argv.slice(1);
        console.warn = () => {};
        global.fetch = async (url) => new Response(require("fs").readFileSync(folder + new URL(url).pathname));
        tf.env().platform.fetch = global.fetch;
        loadGraphModel("http://localhost/model.json").then((model) => {
          const found = model.predict({ features: tf.tensor(JSON.parse(values)) });
          const { shape } = found.probabilities;
          console.log(JSON.stringify({ shape, values: [...found.probabilities.dataSync()] }));
        });
    """
    command = ["node", "-e", script, str(tmp_path / "exported"), json.dumps(x.tolist())]
    done = subprocess.run(
        command, env={"PATH": os.environ["PATH"], "NODE_PATH": str(MODULES)}, capture_output=True, check=True
    )
    result = json.loads(done.stdout)
    np.testing.assert_allclose(np.reshape(result["values"], result["shape"]), to_numpy(model(x)), atol=1e-6)


@needs_tensorflow_js
def test_operations_that_tensorflow_js_lacks_are_replaced(tmp_path: Path) -> None:
    model = sequential(layers.Dense(5, activation="softsign"), layers.Dense(5, activation="gelu"))
    written = export_to("tfjs", model, tmp_path / "exported")
    assert "Softsign is replaced by other operations" in written.notes


@needs_tensorflow_js
def test_64_bit_numbers_become_32_bit(tmp_path: Path) -> None:
    x = keras.Input((4,))
    model = keras.Model(x, layers.Lambda(lambda x: keras.ops.cast(10 * x, "int64"), name="tens")(x))
    written = export_to("tfjs", model, tmp_path / "exported")
    assert written.notes == ["tens is int32 instead of int64"]


def test_the_error_names_the_layer_of_an_unsupported_operation(tmp_path: Path) -> None:
    model = sequential(layers.Discretization(bin_boundaries=[0.2, 0.5], name="bins"))
    with pytest.raises(
        FailedPrecondition, match=r"^TensorFlow.js .* does not support the operation Bucketize in layer 'bins'$"
    ):
        export_to("tfjs", model, tmp_path / "exported")
    random = small("variational_autoencoder")
    with pytest.raises(FailedPrecondition, match=r" does not support the operation Stateless\w+ in \S+$"):
        export_to("tfjs", random, tmp_path / "exported", "generate")
    assert not list(tmp_path.iterdir())


@needs_tensorflow_js
def test_weights_are_split_into_files_of_4_mb(tmp_path: Path) -> None:
    model = sequential(layers.Dense(1100, activation="tanh"), layers.Dense(1100))
    place = export_to("tfjs", model, tmp_path / "exported").place
    (group,) = json.loads((place / "model.json").read_text("utf-8"))["weightsManifest"]
    sizes = [(place / name).stat().st_size for name in group["paths"]]
    assert sizes[0] == 4 << 20 and sum(sizes) == sum(map(size_of, group["weights"])) >= 4 * model.count_params()
    assert {file.name for file in place.iterdir()} == {"model.json", *group["paths"]}


def test_the_error_names_missing_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = sequential(layers.Dense(1, name="prediction"))
    monkeypatch.setenv("GALLERY_NODE_MODULES", str(tmp_path))
    with pytest.raises(FailedPrecondition, match=r"npm install @tensorflow/tfjs-core @tensorflow/tfjs-backend-cpu "):
        export_to("tfjs", model, tmp_path / "exported")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FailedPrecondition, match="^TensorFlow.js needs Node: no program node"):
        export_to("tfjs", model, tmp_path / "exported")
    assert not list(tmp_path.iterdir())


@needs_tensorflow_js
def test_the_error_has_the_message_of_tensorflow_js(tmp_path: Path) -> None:
    model = sequential(layers.Dense(1, name="prediction"))
    endpoint = endpoints(model)["serving_default"]
    tfjs_folder.write(model, endpoint, tmp_path / "exported")
    (tmp_path / "exported" / "group1-shard1of1.bin").write_bytes(b"")
    with pytest.raises(FailedPrecondition, match="^TensorFlow.js failed: .+$"):
        tfjs_folder.runner(tmp_path / "exported", endpoint)(endpoint.example(1))


@needs_tensorflow_js
def test_the_list_of_operations_is_up_to_date() -> None:
    assert json.loads(tfjs_operations.OPERATIONS.read_text("utf-8")) == tfjs_operations.read(MODULES)


def test_encoding_and_decoding_arrays() -> None:
    arrays = {
        "floats": np.array([[0.5, -1e30], [np.inf, 3]], np.float32),
        "integers": np.array([-(2**31), 2**31 - 1], np.int64),
        "booleans": np.array([True, False]),
        "texts": np.array([[b"", "é".encode()]], object),
        "empty": np.zeros((0, 3), np.float32),
    }
    specs, data = encode(arrays)
    result = dict(decode(specs, data))
    assert {spec["name"]: spec["dtype"] for spec in specs} == dict(
        floats="float32", integers="int32", booleans="bool", texts="string", empty="float32"
    )
    for name, array in arrays.items():
        np.testing.assert_array_equal(result[name], array)
    with pytest.raises(InvalidArgument, match="at most 32 bits"):
        encode({"large": np.array([2**31])})
