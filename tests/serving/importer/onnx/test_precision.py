"""Tests of ONNX models with float16 and with quantized numbers, compared with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import numpy as np
    import onnx
    import tensorflow as tf
    from keras_gallery.serving.importer.onnx import file as onnx_file
    from keras_gallery.serving.importer.onnx import tensors as onnx_tensors
    from keras_gallery.serving.importer.onnx.graph import Runner
    from keras_gallery.serving.importer.reading import precision
    from onnx import TensorProto, helper, numpy_helper

Read = Callable[..., Any]


def save(
    place: Path, nodes: list[Any], weights: dict[str, Any], x: int, y: int = TensorProto.FLOAT, opset: int = 21
) -> Path:
    """Writes a model with the input x (batch, 2, 6, 6) and the output y of rank 4. `x` and `y` are their types."""
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]
    inputs, outputs = (
        [helper.make_tensor_value_info("x", x, ["batch", 2, 6, 6])],
        [helper.make_tensor_value_info("y", y, [None] * 4)],
    )
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10), place)
    return place


def normal(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape)


def test_float16(tmp_path: Path, read: Read) -> None:
    """The results differ from ONNX Runtime's in the third or fourth digit."""
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["a"]),
        helper.make_node("BatchNormalization", ["a", "ones", "bias", "bias", "ones"], ["b"]),
        helper.make_node("Resize", ["b", "", "scales"], ["c"], mode="cubic"),
        helper.make_node("Softplus", ["c"], ["y"]),
    ]
    half = {"kernel": normal(3, 2, 3, 3), "ones": np.ones(3), "bias": normal(3)}
    weights = {name: value.astype(np.float16) for name, value in half.items()}
    weights["scales"] = np.array([1, 1, 2, 2], np.float32)
    result = read(save(tmp_path / "half.onnx", nodes, weights, TensorProto.FLOAT16, TensorProto.FLOAT16))
    assert result.changes[0].startswith("compared with ONNX Runtime")
    assert result.tolerance == precision.TOLERANCES[precision.FLOAT16]
    signature = tf.saved_model.load(str(result.saved_model)).signatures["serving_default"]
    assert signature.structured_outputs["y"].dtype == tf.float16


def test_a_quantized_model(tmp_path: Path, read: Read) -> None:
    """A convolution with a scale for each output channel, between inputs and outputs of 8 bits."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "x_scale", "x_zero"], ["a"]),
        helper.make_node("DequantizeLinear", ["a", "x_scale", "x_zero"], ["b"]),
        helper.make_node("DequantizeLinear", ["kernel", "scales"], ["w"], axis=0),
        helper.make_node("Conv", ["b", "w"], ["c"]),
        helper.make_node("QuantizeLinear", ["c", "y_scale", "y_zero"], ["d"]),
        helper.make_node("DequantizeLinear", ["d", "y_scale", "y_zero"], ["y"]),
    ]
    weights = {
        "x_scale": np.float32(1 / 255),
        "x_zero": np.uint8(0),
        "kernel": (normal(3, 2, 3, 3) * 30).astype(np.int8),
        "scales": np.array([0.01, 0.02, 0.03], np.float32),
        "y_scale": np.float32(0.05),
        "y_zero": np.int8(3),
    }
    result = read(save(tmp_path / "quantized.onnx", nodes, weights, TensorProto.FLOAT))
    assert result.changes[0].startswith("compared with ONNX Runtime")
    assert result.tolerance == np.float32(0.1)  # two steps of the output


def computed(nodes: list[Any], weights: dict[str, Any], folder: Path, x: Any) -> tuple[Any, Any]:
    """Returns the output of the converter, and of ONNX's reference implementation."""
    from onnx.reference import ReferenceEvaluator

    model = onnx_file.prepare(onnx_file.load(save(folder / "m.onnx", nodes, weights, TensorProto.FLOAT)))
    (got,) = Runner(model, onnx_tensors.arrays(model))({"x": tf.constant(x)})
    (want,) = ReferenceEvaluator(model).run(None, {"x": x})
    return np.asarray(got), want


def test_weights_of_4_bits_with_a_scale_for_each_block(tmp_path: Path) -> None:
    import ml_dtypes

    x = normal(2, 2, 6, 6).astype(np.float32)
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "scales"], ["v"], axis=0, block_size=3),
        helper.make_node("MatMul", ["x", "v"], ["y"]),
    ]
    weights = {
        "w": np.arange(-8, 4).reshape(6, 2).astype(ml_dtypes.int4),
        "scales": np.array([[0.1, 0.2], [0.3, 0.4]], np.float32),
    }
    got, want = computed(nodes, weights, tmp_path, x)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_integers_with_a_range_from_the_data(tmp_path: Path) -> None:
    x = normal(2, 2, 6, 6).astype(np.float32)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
        helper.make_node("ConvInteger", ["q", "kernel", "zero", "kernel_zero"], ["i"], pads=[1, 1, 1, 1]),
        helper.make_node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["f", "scale"], ["y"]),
    ]
    weights = {"kernel": (normal(3, 2, 3, 3) * 30 + 120).astype(np.uint8), "kernel_zero": np.uint8(120)}
    got, want = computed(nodes, weights, tmp_path, x)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-4)


def test_the_tolerance_of_a_saved_model(tmp_path: Path) -> None:
    assert precision.tolerance_of(["float32", "uint8"]) == precision.TOLERANCE == precision.read(tmp_path)
    precision.write(tmp_path, precision.tolerance_of(["float16", "bfloat16"]))
    assert precision.read(tmp_path) == precision.TOLERANCES["bfloat16"]
    graph = tf.function(lambda x: tf.cast(tf.cast(x, tf.float16), tf.float32)).get_concrete_function(tf.TensorSpec([2]))
    meta_graph = tf.compat.v1.MetaGraphDef(graph_def=graph.graph.as_graph_def())
    assert precision.of_graph(meta_graph) == precision.TOLERANCES["float16"]
