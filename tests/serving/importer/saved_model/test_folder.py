"""Tests of reading SavedModels: rebuilding layers, serving graphs unchanged, and refusing unsafe graphs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving.errors import FailedPrecondition, InvalidArgument, PermissionDenied, ResourceExhausted
from keras_gallery.serving.importer.reading.result import Options, ReadResult
from keras_gallery.serving.importer.saved_model import folder as saved_model_folder
from keras_gallery.serving.wire import messages

from ..real_files import answers, ask, unpack

FLOATS = tf.TensorSpec((None, 3), tf.float32, name="x")
TEXTS = tf.TensorSpec((None,), tf.string, name="x")


def read(folder: Path, *, trust: bool = False) -> ReadResult:
    scratch = folder.parent / f"{folder.name}_scratch"
    scratch.mkdir()
    return saved_model_folder.read(folder, Options(scratch, trust=trust))


def save(place: Path, function: Callable[[Any, Any], Any], spec: Any = FLOATS) -> Path:
    """Saves a module with a variable and a lookup table. The signature computes `function(module, x)`."""
    module = tf.Module()
    module.weight = tf.Variable(np.arange(6, dtype=np.float32).reshape(3, 2))
    pairs = tf.lookup.KeyValueTensorInitializer(["a", "b"], [1.0, 2.0])
    module.table = tf.lookup.StaticHashTable(pairs, 0.0)
    module.ask = tf.function(lambda x: {"y": function(module, x)}, input_signature=[spec])
    tf.saved_model.save(module, str(place), signatures=module.ask)
    return place


def edit(place: Path, change: Callable[[Any], None]) -> Path:
    """Changes the graph of a SavedModel in place."""
    graphs = messages.SavedModel.FromString((place / "saved_model.pb").read_bytes())
    change(graphs.meta_graphs[0])
    (place / "saved_model.pb").write_bytes(graphs.SerializeToString())
    return place


def plain(place: Path) -> Path:
    return save(place, lambda module, x: x @ module.weight)


# === Keras 2 ===


@pytest.mark.parametrize("name", ["keras2_dense_autoencoder", "keras2_convnet"])
def test_keras_2_is_rebuilt_as_layers(name: str, tmp_path: Path) -> None:
    folder = unpack(name, tmp_path / name)
    result = read(folder / "saved_model")
    inputs, outputs = answers(folder)
    assert result.description.startswith("SavedModel of Keras 2.12: ") and result.method.startswith(
        "rebuilt as a Keras 3 model"
    )
    assert result.saved_model is None and result.reference is not None
    np.testing.assert_allclose(ask(result.model, inputs)[0], next(iter(outputs.values())), atol=1e-5)
    np.testing.assert_allclose(next(iter(result.reference(inputs).values())), next(iter(outputs.values())), atol=1e-5)


def test_a_model_with_custom_classes_is_served_as_a_graph(tmp_path: Path) -> None:
    folder = unpack("keras2_subclassed", tmp_path / "file")
    result = read(folder / "saved_model")
    assert result.model is None and result.saved_model is not None and "TFSMLayer" in result.method
    assert result.changes[0].startswith("not rebuilt as layers: Unsafe model refused: ")
    inputs, outputs = answers(folder)
    got = tf.saved_model.load(str(result.saved_model)).signatures["serving_default"](tf.constant(inputs["x"]))
    np.testing.assert_allclose(got["output_1"], outputs["output_1"], atol=1e-5)


def test_layers_that_differ_from_the_graph_are_not_used(tmp_path: Path) -> None:
    """If the layers in the metadata differ from the graph, the graph is served."""
    folder = unpack("keras2_dense_autoencoder", tmp_path / "file") / "saved_model"
    metadata = (folder / "keras_metadata.pb").read_bytes()
    (folder / "keras_metadata.pb").write_bytes(metadata.replace(b'"activation": "swish"', b'"activation": "relu6"'))
    result = read(folder)
    assert result.model is None
    assert "differ from the graph (tolerance 1e-05): output decoder is off by" in result.changes[0]


# === Graphs ===


def test_a_module_of_tensorflow_2(tmp_path: Path) -> None:
    place = plain(tmp_path / "module")
    (place / "variables" / "notes.txt").write_text("kept")
    (place / "hook.py").write_text("not copied")
    result = read(place)
    assert result.description == f"SavedModel of TensorFlow {'.'.join(tf.__version__.split('.')[:2])}: serving_default"
    assert result.saved_model is not None and result.model is None and result.changes == []
    assert sorted(each.name for each in result.saved_model.iterdir()) == ["assets", "saved_model.pb", "variables"]
    got = tf.saved_model.load(str(result.saved_model)).signatures["serving_default"](tf.constant([[1.0, 2.0, 3.0]]))
    np.testing.assert_allclose(got["y"], [[16.0, 22.0]])


def test_a_lookup_table(tmp_path: Path) -> None:
    result = read(save(tmp_path / "table", lambda module, x: module.table.lookup(x), TEXTS))
    got = tf.saved_model.load(str(result.saved_model)).signatures["serving_default"](tf.constant(["b", "c"]))
    np.testing.assert_allclose(got["y"], [2.0, 0.0])


def test_an_export_of_keras_3(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4, 5)), keras.layers.LSTM(3)])
    model.export(tmp_path / "export", verbose=False)
    assert "SavedModel of Keras 3" in read(tmp_path / "export").description


def test_a_session_of_tensorflow_1(tmp_path: Path) -> None:
    place = tmp_path / "session"
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, (None, 3), name="x")
        y = x @ v1.get_variable("weight", (3, 2), initializer=v1.ones_initializer())
        v1.summary.merge([v1.summary.histogram("y", y)])
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(place))
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    result = read(place)
    assert "in TensorFlow 1 format: serving_default" in result.description and result.saved_model is not None
    got = tf.saved_model.load(str(result.saved_model)).signatures["serving_default"](tf.constant([[1.0, 2.0, 3.0]]))
    np.testing.assert_allclose(got["y"], [[6.0, 6.0]])


def test_a_saved_model_without_a_signature(tmp_path: Path) -> None:
    module = tf.Module()
    module.weight = tf.Variable(1.0)
    tf.saved_model.save(module, str(tmp_path / "bare"))
    with pytest.raises(FailedPrecondition, match="has no signature, so no request can run it: save it again"):
        read(tmp_path / "bare")


def test_a_saved_model_without_a_graph_for_serving(tmp_path: Path) -> None:
    def retag(graph: Any) -> None:
        graph.meta_info_def.tags[:] = ["train"]

    with pytest.raises(InvalidArgument, match="the tag serve .* Received: graphs with the tags train"):
        read(edit(plain(tmp_path / "module"), retag))


# === Unsafe graphs ===


def print_to_file(_: Any, x: Any) -> Any:
    tf.print(x, output_stream="file:///nowhere/printed")
    return x


def save_to_file(_: Any, x: Any) -> Any:
    tf.raw_ops.SaveV2(prefix="/nowhere/saved", tensor_names=["x"], shape_and_slices=[""], tensors=[x])
    return x


def restore_from_file(_: Any, x: Any) -> Any:
    return tf.raw_ops.RestoreV2(prefix="/nowhere/x", tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32])[0]


def sample_with_vocabulary(_: Any, x: Any) -> Any:
    return tf.random.fixed_unigram_candidate_sampler(tf.cast(x, tf.int64), 3, 1, True, 9, vocab_file="/nowhere/words")[
        0
    ]


def constant_from_file(_: Any, x: Any) -> Any:
    return x + tf.raw_ops.ImmutableConst(dtype=tf.float32, shape=[3], memory_region_name="/nowhere/constant")


# Attack → the function of the signature, the input, and the refused operation.
ATTACKS: dict[str, tuple[Callable[[Any, Any], Any], Any, str]] = {
    "read a file": (lambda _, x: tf.map_fn(tf.io.read_file, x), TEXTS, "ReadFile"),
    "write a file": (lambda _, x: [tf.io.write_file("/nowhere/x", x[0]), x][1], TEXTS, "WriteFile"),
    "list files": (lambda _, x: tf.io.matching_files(x), TEXTS, "MatchingFiles"),
    "run Python": (lambda _, x: tf.py_function(abs, [x], tf.float32), FLOATS, "EagerPyFunc"),
    "run NumPy": (lambda _, x: tf.numpy_function(np.abs, [x], tf.float32), FLOATS, "PyFunc"),
    "print to a file": (print_to_file, FLOATS, "PrintV2"),
    "save": (save_to_file, FLOATS, "SaveV2"),
    "restore": (restore_from_file, FLOATS, "RestoreV2"),
    "sample with a vocabulary": (sample_with_vocabulary, FLOATS, "FixedUnigramCandidateSampler"),
    "map a constant": (constant_from_file, FLOATS, "ImmutableConst"),
    "read records": (
        lambda _, x: tf.data.TFRecordDataset(x).reduce(0, lambda count, _: count + 1),
        TEXTS,
        "(TFRecord|TensorSlice)Dataset",
    ),
    "read a descriptor file": (
        lambda _, x: tf.raw_ops.DecodeProtoV2(
            bytes=x, message_type="m", field_names=["f"], output_types=[tf.string], descriptor_source="/nowhere/d"
        ).values[0],
        TEXTS,
        "DecodeProtoV2",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_unsafe_operations_are_refused(attack: str, tmp_path: Path) -> None:
    function, spec, operation = ATTACKS[attack]
    place = save(tmp_path / "attack", function, spec)
    message = rf"node '.*' of function '.*' with operation '{operation}', which .* \(--trust allows it\)"
    with pytest.raises(PermissionDenied, match=message):
        read(place)


def test_trust_allows_unsafe_operations(tmp_path: Path) -> None:
    result = read(save(tmp_path / "attack", print_to_file), trust=True)
    assert result.saved_model is not None


def test_constants_larger_than_the_file(tmp_path: Path) -> None:
    def blow_up(graph: Any) -> None:
        node = graph.graph_def.node.add(name="huge", op="Const")
        node.attr["dtype"].type = 1
        node.attr["value"].tensor.dtype = 1
        node.attr["value"].tensor.float_val.append(1.0)
        for size in (1 << 20, 1 << 20):
            node.attr["value"].tensor.tensor_shape.dim.add(size=size)

    with pytest.raises(ResourceExhausted, match="the graph's constants"):
        read(edit(plain(tmp_path / "module"), blow_up))


@pytest.mark.parametrize("where", ["saved_model.pb", "variables", "variables/variables.index", "assets/words.txt"])
def test_links_are_not_followed(where: str, tmp_path: Path) -> None:
    place = plain(tmp_path / "module")
    if (place / where).exists():
        os.rename(place / where, tmp_path / "elsewhere")
    else:
        (tmp_path / "elsewhere").write_text("secret")
    (place / where).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionDenied, match=f"'{Path(where).name}' is a link"):
        read(place)


def test_damaged_graphs(tmp_path: Path) -> None:
    place = plain(tmp_path / "module")
    (place / "saved_model.pb").write_bytes((place / "saved_model.pb").read_bytes()[:-7])
    with pytest.raises(InvalidArgument, match=r"saved_model\.pb cannot be parsed"):
        read(place)
