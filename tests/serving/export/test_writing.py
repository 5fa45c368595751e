"""Tests the export of a model to a version folder: the signatures, their outputs, and failed exports."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving import description, saved_model
from keras_gallery.serving.core import warmup
from keras_gallery.serving.engines.openvino import files as openvino_files
from keras_gallery.serving.errors import FailedPrecondition, InvalidArgument
from keras_gallery.serving.export import checking
from keras_gallery.serving.export import writing as export_module
from keras_gallery.serving.export.checking import check
from keras_gallery.serving.export.writing import export
from keras_gallery.serving.saved_model import read_signatures
from keras_gallery.serving.signatures import Endpoint, endpoints
from keras_gallery.serving.wire.signature import SignatureDef

from ..conftest import MODEL
from ..task_models import classifier, regressor

NAMES = {
    "serving_default": (["image"], ["reconstruction"]),
    "reconstruct": (["image"], ["reconstruction"]),
    "encode": (["image"], ["code"]),
    "decode": (["code"], ["image"]),
    "score": (["image"], ["score"]),
    "denoise": (["image"], ["denoised"]),
    "encode_png": (["image_bytes"], ["code"]),
    "denoise_png": (["image_bytes"], ["denoised"]),
}


def test_names_of_signatures_inputs_and_outputs(saved_models: Path) -> None:
    signatures = read_signatures(saved_models / MODEL / "1")
    assert {k: (list(s.inputs), list(s.outputs)) for k, s in signatures.items()} == NAMES
    assert all(s.method_name == "tensorflow/serving/predict" for s in signatures.values())


def test_each_weight_is_saved_once(saved_models: Path, keras_model: Any) -> None:
    names = [name for name, _ in tf.train.list_variables(str(saved_models / MODEL / "1" / "variables" / "variables"))]
    assert sum(name.endswith("VARIABLE_VALUE") for name in names) == len(keras_model.variables)


def test_signatures_that_call_the_whole_model_share_its_graph(saved_models: Path) -> None:
    functions = saved_model.read_meta_graph(saved_models / MODEL / "1").graph_def.library.function
    products = [sum(node.op == "MatMul" for node in function.node_def) for function in functions]
    assert sum(count == 2 for count in products) == 1  # the model has two Dense layers, its halves have one


def test_large_batches_are_compared_only_if_the_model_is_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(checking.quick_batches()) == [1, 2, 7, 32]
    monkeypatch.setattr(checking, "CHECK_SECONDS", 0)
    assert list(checking.quick_batches()) == [1, 2]


def test_look_up_tables_of_layers_are_saved(tmp_path: Path) -> None:
    numbers = keras.layers.IntegerLookup(vocabulary=[7, 9])
    model = keras.Model(x := keras.Input((1,), dtype="int64", name="number"), keras.layers.Rescaling(0.5)(numbers(x)))
    run = tf.saved_model.load(str(export(model, "m", tmp_path))).signatures["serving_default"]
    (value,) = run(number=tf.constant([[9], [1]], tf.int64)).values()
    np.testing.assert_array_equal(value.numpy(), [[1.0], [0.0]])  # the position in the vocabulary is 2; 0 means unknown


@pytest.mark.parametrize("batch", [1, 7, 32])
def test_outputs_of_the_saved_model_equal_the_model(saved_models: Path, keras_model: Any, batch: int) -> None:
    loaded = tf.saved_model.load(str(saved_models / MODEL / "1"))
    x = np.random.default_rng(batch).random((batch, 8, 8, 1), np.float32)
    want = keras_model.predict(x, verbose=0)
    code = keras_model.get_layer("encoder").predict(x, verbose=0)

    def run(signature: str, **inputs: Any) -> Any:
        (value,) = loaded.signatures[signature](**{k: tf.constant(v) for k, v in inputs.items()}).values()
        return value.numpy()

    np.testing.assert_allclose(run("reconstruct", image=x), want, atol=1e-5)
    np.testing.assert_allclose(run("denoise", image=x), want, atol=1e-5)
    np.testing.assert_allclose(run("encode", image=x), code, atol=1e-5)
    np.testing.assert_allclose(run("decode", code=code), want, atol=1e-5)
    np.testing.assert_allclose(run("score", image=x), ((want - x) ** 2).sum((1, 2, 3)), rtol=1e-5)


def test_image_files_give_the_same_outputs_as_arrays(saved_models: Path, images: Any, png_files: list[bytes]) -> None:
    run = tf.saved_model.load(str(saved_models / MODEL / "1")).signatures
    by_file = run["denoise_png"](image_bytes=tf.constant(png_files))["denoised"].numpy()
    by_array = run["denoise"](image=tf.constant(images))["denoised"].numpy()
    np.testing.assert_allclose(by_file, by_array, atol=1e-5)


def test_jpeg_files(saved_models: Path) -> None:
    run = tf.saved_model.load(str(saved_models / MODEL / "1")).signatures
    file = tf.io.encode_jpeg(np.full((8, 8, 1), 128, np.uint8), quality=100)
    by_file = run["encode_png"](image_bytes=tf.stack([file]))["code"].numpy()
    by_array = run["encode"](image=tf.io.decode_jpeg(file)[None] / 255)["code"].numpy()
    np.testing.assert_allclose(by_file, by_array, atol=1e-5)


BAD_FILES = {
    "another size": (lambda: tf.io.encode_png(np.zeros((9, 8, 1), np.uint8)).numpy(), r"8x8 pixels.*"),
    "three channels": (lambda: tf.io.encode_png(np.zeros((8, 8, 3), np.uint8)).numpy(), r"1 channel"),
    "jpeg of another size": (lambda: tf.io.encode_jpeg(np.zeros((9, 8, 1), np.uint8)).numpy(), r"8x8 pixels"),
    "a file that is longer than such a picture needs": (
        lambda: tf.io.encode_png(np.zeros((8, 8, 1), np.uint8)).numpy() + bytes(40_000),
        r"at most 33280 bytes",
    ),
    "bytes that are not an image": (lambda: b"no picture", r"Expected a PNG or JPEG file. .* \[10\]"),
    "empty file": (lambda: b"", r"Expected a PNG or JPEG file."),
    "part of a header": (lambda: tf.io.encode_png(np.zeros((8, 8, 1), np.uint8)).numpy()[:23], r"a damaged file"),
    "no pixels": (lambda: tf.io.encode_png(np.zeros((8, 8, 1), np.uint8)).numpy()[:40], r"PNG"),
    # The header declares 2^31-1 x 2^31-1 pixels. The signature rejects the file without decoding it.
    "header of a huge image": (
        lambda: tf.io.encode_png(np.zeros((8, 8, 1), np.uint8)).numpy()[:16] + b"\x7f\xff\xff\xff" * 2 + b"\0" * 9,
        r"8x8 pixels",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_image_files_are_rejected(saved_models: Path, case: str) -> None:
    make, message = BAD_FILES[case]
    run = tf.saved_model.load(str(saved_models / MODEL / "1")).signatures["denoise_png"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        run(image_bytes=tf.constant([make()]))


def test_versions_count_up_and_are_never_overwritten(tmp_path: Path) -> None:
    x = keras.Input((3,))
    model = keras.Model(x, [keras.layers.Dense(2, name="z")(x), keras.layers.Dense(1, name="a")(x)])
    assert (folder := export(model, "m", tmp_path)).name == "1"
    assert list(description.read(folder).outputs["serving_default"]) == ["z", "a"]  # in the model's order
    assert export(model, "m", tmp_path).name == "2"
    assert export(model, "m", tmp_path, version=40).name == "40"
    with pytest.raises(InvalidArgument, match="Version 40 already exists"):
        export(model, "m", tmp_path, version=40)
    assert sorted(folder.name for folder in (tmp_path / "m").iterdir()) == ["1", "2", "40"]


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a:b", "a\\b"])
def test_names_that_are_not_folder_names_are_rejected(tmp_path: Path, keras_model: Any, name: str) -> None:
    with pytest.raises(InvalidArgument, match="Expected a model name"):
        export(keras_model, name, tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_model_with_wrong_outputs_is_not_published(
    tmp_path: Path, keras_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def off_by_a_little(function: Any) -> Any:
        return lambda inputs: {
            k: v.numpy() + 1e-3 for k, v in function(**{k: tf.constant(v) for k, v in inputs.items()}).items()
        }

    monkeypatch.setattr(checking, "tensorflow_caller", off_by_a_little)
    with pytest.raises(FailedPrecondition, match="Wrong outputs of m"):
        export(keras_model, "m", tmp_path)
    assert not any((tmp_path / "m").iterdir())


def test_warm_up_requests_cover_every_signature(saved_models: Path) -> None:
    requests = [record.request for record in warmup.read(saved_models / MODEL / "1")]
    assert {request.spec.signature for request in requests if request.spec} == set(NAMES)
    assert all(len(array) == 1 for request in requests for array in request.inputs.values())


def test_a_layer_that_computes_something_else_in_a_graph(tmp_path: Path) -> None:
    class Double(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * (2 if tf.executing_eagerly() else 3)

    model = keras.Sequential([keras.Input((3,)), Double(name="y")])
    with pytest.raises(FailedPrecondition, match=r"the Keras model without a graph .*: y is off by .* at batch 2"):
        export(model, "m", tmp_path)


@pytest.mark.parametrize(("length", "quick"), [(250, True), (251, False), (None, True)])
def test_long_recurrent_layers_are_not_called_without_a_graph(length: int | None, quick: bool) -> None:
    recurrent = keras.layers.Bidirectional(keras.layers.GRU(1))
    assert checking.is_quick_without_graph(keras.Sequential([keras.Input((length, 1)), recurrent])) == quick


def test_any_model_with_encoder_and_decoder(tmp_path: Path) -> None:
    x = keras.Input((12,))
    encoder = keras.Sequential([keras.Input((12,)), keras.layers.Dense(3)], name="encoder")
    decoder = keras.Sequential([keras.Input((3,)), keras.layers.Dense(12)], name="decoder")
    folder = export(keras.Model(x, decoder(encoder(x))), "other", tmp_path)
    assert set(read_signatures(folder)) == {"serving_default", "reconstruct", "encode", "decode", "score"}
    assert list(read_signatures(folder)["encode"].inputs) == ["features"]


def test_inputs_and_outputs_of_other_models_are_named_after_layers(tmp_path: Path) -> None:
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b", dtype="int32")
    total = keras.layers.Dense(2, name="total")(keras.layers.Concatenate()([a, keras.ops.cast(b, "float32")]))
    folder = export(keras.Model([a, b], [total]), "plain", tmp_path)
    (signature,) = read_signatures(folder).values()
    assert signature.name == "serving_default"
    assert {k: s.dtype.name for k, s in signature.inputs.items()} == {"a": "float", "b": "int32"}
    assert signature.outputs["total"].shape == (-1, 2)


def test_tensorflow_runs_signatures_with_assertions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    traces = []

    def doubled(x: Any) -> Any:
        if not tf.executing_eagerly():
            traces.append(x)
        return {"y": x * 2}

    def checked(x: Any) -> Any:
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(x >= 0), ["Expected 0 and more"])]):
            return {"y": x * 2}

    inputs = [tf.TensorSpec((None, 3), tf.float32, name="x")]
    by_name = {
        name: Endpoint(function, inputs, lambda batch: {"x": np.ones((batch, 3), np.float32)})
        for name, function in (("serving_default", doubled), ("checked", checked))
    }
    monkeypatch.setattr(export_module, "endpoints", lambda model, **options: by_name)
    layer = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    index = openvino_files.read(export(layer, "m", tmp_path) / openvino_files.FOLDER)
    assert index is not None
    assert set(index.signatures) == {"serving_default"}
    assert index.reasons["checked"] == "tensorflow (strings)"  # the message of the assertion is a string
    assert len(traces) == 1  # a large model takes seconds for each trace


def test_equal_signatures_share_an_openvino_file(saved_models: Path) -> None:
    folder = saved_models / MODEL / "1"
    index = openvino_files.read(folder / openvino_files.FOLDER)
    assert index is not None
    assert index.fingerprint == saved_model.fingerprint(folder)
    assert index.reasons.keys() == NAMES.keys()
    assert index.signatures["serving_default"] == index.signatures["reconstruct"] != index.signatures["encode"]


# === Classifiers and regressors ===


class Defined(NamedTuple):
    """A signature definition without a runner, in place of a `Signature`."""

    definition: SignatureDef


@pytest.fixture(scope="module")
def classifier_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(classifier(), "c", tmp_path_factory.mktemp("classifier"), labels=["ant", "bee", "žába"])


def test_the_method_names_of_signatures(classifier_folder: Path, tmp_path: Path) -> None:
    method = {each.name: each.method_name for each in read_signatures(classifier_folder).values()}
    assert method.pop("classify_example") == "tensorflow/serving/classify"
    assert set(method.values()) == {"tensorflow/serving/predict"} and len(method) == 5
    signatures = read_signatures(export(regressor(), "r", tmp_path))
    assert signatures["regress_example"].method_name == "tensorflow/serving/regress"
    assert signatures["regress_example"].outputs["outputs"].shape == (-1, 1)


def test_signatures_say_the_range_of_pixel_values(classifier_folder: Path, tmp_path: Path) -> None:
    signatures = read_signatures(classifier_folder)
    assert signatures["classify_png"].inputs["image_bytes"].pixels == "0..1"
    assert signatures["serving_default"].inputs["image"].pixels == "0..1"
    assert signatures["classify_example"].inputs["inputs"].pixels == ""
    with pytest.raises(InvalidArgument, match=r"Expected pixels of 0..255, 0..1, -1..1 or unknown. Received: 1..2"):
        export(classifier(), "c", tmp_path, pixels="1..2")


def test_warm_up_requests_of_a_classifier(classifier_folder: Path) -> None:
    signatures = {name: Defined(each) for name, each in read_signatures(classifier_folder).items()}
    runs = [run for record in warmup.read(classifier_folder) for run in record.runs(signatures)]
    assert [run.signature for run in runs] == list(endpoints(classifier()))
    loaded = tf.saved_model.load(str(classifier_folder))
    for run in runs:
        answers = loaded.signatures[run.signature](**{k: tf.constant(v) for k, v in run.inputs.items()})
        assert set(run.outputs) == set(answers)


def test_openvino_runs_graphs_and_steps(classifier_folder: Path) -> None:
    index = openvino_files.read(classifier_folder / openvino_files.FOLDER)
    assert index is not None and index.fingerprint == saved_model.fingerprint(classifier_folder)
    assert index.plans.keys() == {"classify", "classify_png", "classify_example", "embed_png"}
    assert index.signatures.keys() == {"serving_default", "embed"}
    assert index.reasons.keys() == index.plans.keys() | index.signatures.keys() and not index.graphs
    assert {each.name for each in (classifier_folder / openvino_files.FOLDER).iterdir()} == {
        "index.json", *(f"{number}.{kind}" for number in range(2) for kind in ("xml", "bin"))
    }  # fmt: skip


def test_a_wrong_number_of_labels(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="Expected 3 labels, one for each class. Received: 2"):
        export(classifier(), "c", tmp_path, labels=["ant", "bee"])
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("dtype", "change", "message"),
    [
        ("float32", lambda y: y + 1e-6, None),
        ("float32", lambda y: y + 1e-3, "y is off by 1.0e-03"),
        ("float32", lambda y: y[:, :1], r"y is of shape \(1, 1\) and type float32"),
        ("uint8", lambda y: y, None),
        ("uint8", lambda y: y - (np.arange(3) == 1), "y is different in 1 of 3 values"),
        ("string", lambda y: y, None),
        ("string", lambda y: np.where(np.arange(3) == 1, b"", y), "y is different in 1 of 3 values"),
    ],
)
def test_check_finds_wrong_outputs(dtype: str, change: Any, message: str | None) -> None:
    convert = tf.as_string if dtype == "string" else lambda x: tf.cast(x, dtype)
    x = np.arange(1, 4, dtype=np.float32)
    inputs = [tf.TensorSpec((None, 3), tf.float32, name="x")]
    endpoint = Endpoint(lambda x: {"y": convert(x)}, inputs, lambda batch: {"x": np.stack([x] * batch)})

    def run(arrays: Any) -> Any:
        return {"y": change(endpoint.function(tf.constant(arrays["x"]))["y"].numpy())}

    function = tf.function(endpoint.function, input_signature=inputs).get_concrete_function()
    with pytest.raises(FailedPrecondition, match=f": {message} at batch 1") if message else nullcontext():
        check("m", endpoint, function, run)


@pytest.mark.parametrize("wrong_shape", [False, True])
def test_random_outputs_are_compared_by_their_means(wrong_shape: bool) -> None:
    inputs = [tf.TensorSpec((None, 3), tf.float32, name="x")]

    def noisy(x: Any) -> Any:
        return {"fixed": 2 * x, "random": x + tf.random.normal(tf.shape(x))}

    endpoint = Endpoint(noisy, inputs, lambda batch: {"x": np.ones((batch, 3), np.float32)})
    function = tf.function(noisy, input_signature=inputs).get_concrete_function()

    def run(arrays: Any) -> Any:
        answers = {key: value.numpy() for key, value in function(tf.constant(arrays["x"])).items()}
        return answers | ({"random": answers["random"][:, :1]} if wrong_shape else {})

    if wrong_shape:
        with pytest.raises(FailedPrecondition, match="random is of shape"):
            check("m", endpoint, function, run)
    else:
        check("m", endpoint, function, run)


def test_a_missing_output_is_an_error() -> None:
    inputs = [tf.TensorSpec((None, 3), tf.float32, name="x")]
    endpoint = Endpoint(lambda x: {"a": x, "b": x}, inputs, lambda batch: {"x": np.ones((batch, 3), np.float32)})
    function = tf.function(endpoint.function, input_signature=inputs).get_concrete_function()
    with pytest.raises(
        FailedPrecondition, match="Wrong outputs of m, compared with the Keras model: expected a, b. Received: a$"
    ):
        check("m", endpoint, function, lambda arrays: {"a": arrays["x"]})
