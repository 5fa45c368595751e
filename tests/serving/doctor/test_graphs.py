"""Tests of `gallery doctor` on graphs of operations: SavedModels and ONNX files."""

from __future__ import annotations

from pathlib import Path

import pytest
from keras_gallery.serving.doctor.graphs import examine_graph, operations, used_nodes, written_state
from keras_gallery.serving.doctor.verdict import TARGETS, Verdict
from keras_gallery.serving.quiet import quiet_import
from keras_gallery.serving.saved_model import read_meta_graph

with quiet_import():
    import onnx
    import tensorflow as tf

LAYERS = {"keras", "keras2", "tfjs_layers", "dl4j"}


class Numbers(tf.Module):
    """A signature of floats with common operations."""

    @tf.function(input_signature=[tf.TensorSpec((None, 4), name="x")])
    def dense(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.nn.relu(x @ tf.ones((4, 3)))}


class Strings(tf.Module):
    """A signature that looks up strings in a table."""

    def __init__(self) -> None:
        super().__init__()
        keys = tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([1, 2], tf.int64))
        self.table = tf.lookup.StaticHashTable(keys, 0)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="words")])
    def ids(self, words: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"ids": self.table.lookup(tf.strings.lower(words))}


class FromPython(tf.Module):
    """A signature that calls a Python function."""

    @tf.function(input_signature=[tf.TensorSpec((None,), name="x")])
    def doubled(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.numpy_function(lambda v: v * 2, [x], tf.float32)}


class ChannelsFirst(tf.Module):
    """A convolution with channels first, which only GPUs support."""

    @tf.function(input_signature=[tf.TensorSpec((None, 3, 8, 8), name="x")])
    def convolved(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.nn.conv2d(x, tf.ones((3, 3, 3, 2)), 1, "SAME", data_format="NCHW")}


class Stateful(tf.Module):
    """A sum over all requests, and a counter of the requests."""

    def __init__(self) -> None:
        super().__init__()
        self.sum, self.rows, self.count = tf.Variable(tf.zeros(4)), tf.Variable(tf.zeros((2, 4))), tf.Variable(0)

    @tf.function(input_signature=[tf.TensorSpec((None, 4), name="x")])
    def summed(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": self.sum.assign_add(tf.reduce_sum(x, 0))}

    @tf.function(input_signature=[tf.TensorSpec((None, 4), name="x")])
    def summed_in_a_row(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": self.rows.scatter_add(tf.IndexedSlices(tf.reduce_sum(x, 0), 1))}

    @tf.function(input_signature=[tf.TensorSpec((None, 4), name="x")])
    def counted(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": x + tf.cast(self.count.assign_add(1), tf.float32)}


def saved(module: tf.Module, signature: str, folder: Path) -> dict[str, Verdict]:
    tf.saved_model.save(module, str(folder), signatures=getattr(module, signature))
    return {each.target: each for each in examine_graph("saved_model", folder)}


def unsupported(verdicts: dict[str, Verdict]) -> set[str]:
    return {target for target, verdict in verdicts.items() if not verdict.ok}


def test_every_target_for_graphs_supports_floats(tmp_path: Path) -> None:
    verdicts = saved(Numbers(), "dense", tmp_path)
    assert list(verdicts) == list(TARGETS) and unsupported(verdicts) == LAYERS
    assert {node.op for node in used_nodes(read_meta_graph(tmp_path))} >= {"MatMul", "Relu"}


def test_strings_need_tensorflow(tmp_path: Path) -> None:
    verdicts = saved(Strings(), "ids", tmp_path)
    assert {"onnx", *LAYERS} <= unsupported(verdicts) and verdicts["tensorflow_serving"].ok and verdicts["embedded"].ok
    assert "LookupTable" in verdicts["onnx"].reason and "outside of the model" in verdicts["onnx"].remedy


@pytest.mark.parametrize(
    ("module", "signature", "word"), [(FromPython, "doubled", "PyFunc"), (ChannelsFirst, "convolved", "Conv2D")]
)
def test_graphs_that_no_server_runs(tmp_path: Path, module: type[tf.Module], signature: str, word: str) -> None:
    verdicts = saved(module(), signature, tmp_path)
    assert word in verdicts["tensorflow_serving"].reason and word in verdicts["embedded"].reason


def test_onnx(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, 4]) for name in "xy")
    for domain, ok in (("", True), ("somebody.else", False)):
        node = onnx.helper.make_node("Relu", ["x"], ["y"], domain=domain)
        onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "g", [x], [y])), str(file))
        verdicts = {each.target: each for each in examine_graph("onnx", file)}
        assert verdicts["onnx"].ok is ok and verdicts["openvino"].ok is ok and not verdicts["keras"].ok
    assert "somebody.else.Relu" in verdicts["onnx"].reason


def test_the_lists_match_the_installed_converters() -> None:
    from importlib.metadata import version

    from keras_gallery.serving.doctor.table import read

    from tools.doctor.operations import has_openvino_rule

    assert read("operations.json")["versions"] == {
        name: version(name) for name in ("tensorflow", "tf2onnx", "openvino")
    }
    some = sorted(operations("tensorflow"))[::97] + ["MatMul", "Erfc", "StringLower"]
    assert {name for name in some if has_openvino_rule(name)} == set(some) & operations("openvino")
    assert {"MatMul", "Softmax"} <= operations("tf2onnx") & operations("openvino") & operations("tfjs")
    assert "Erfc" in operations("openvino") - operations("tf2onnx")


@pytest.mark.parametrize("signature", ["summed", "summed_in_a_row"])
def test_a_graph_that_keeps_a_state(signature: str, tmp_path: Path) -> None:
    """A variable of floats is a state. The integers of counters and random generators are not."""
    verdict = saved(Stateful(), signature, tmp_path / signature)["embedded"]
    assert not verdict.ok and "changes a variable" in verdict.reason and "stateful=False" in verdict.remedy
    assert written_state(read_meta_graph(tmp_path / signature)) == (verdict.reason, verdict.remedy)


def test_a_graph_that_counts_requests_keeps_no_state(tmp_path: Path) -> None:
    assert saved(Stateful(), "counted", tmp_path / "counted")["embedded"].ok
