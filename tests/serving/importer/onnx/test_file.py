"""Tests of converting ONNX files to SavedModels: files that tf2onnx wrote, small files and malicious files."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.errors import FailedPrecondition, InvalidArgument, PermissionDenied, ServingError
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import numpy as np
    import onnx
    import onnxruntime
    import tensorflow as tf
    from keras_gallery.serving.targets.convert import export_to
    from onnx import TensorProto, helper, numpy_helper

    from ....models.layer_checks import randomise
    from ....models.registered import small

Read = Callable[..., Any]


def array(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def save(place: Path, nodes: list[Any], weights: dict[str, np.ndarray] | None = None, **options: Any) -> Path:
    """Writes a model from `x` (batch, 3, 8, 8) to `y`, which has the same shape by default."""
    tensors = [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()]
    x = helper.make_tensor_value_info(options.pop("x", "x"), TensorProto.FLOAT, ["batch", 3, 8, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, options.pop("y", ["batch", 3, 8, 8]))
    graph = helper.make_graph(nodes, "net", [x], [y], tensors)
    opsets = [helper.make_opsetid("", options.pop("version", 17)), *options.pop("domains", ())]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8, **options), place)
    return place


def convnet(place: Path, **options: Any) -> Path:
    """Writes a convolutional network in the style of PyTorch: channels first, and weight names with dots."""
    rng = np.random.default_rng(0)
    x = options.get("x", "x")
    nodes = [
        helper.make_node("Conv", [x, "conv.weight", "conv.bias"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("BatchNormalization", ["a", "scale", "shift", "mean", "variance"], ["b"]),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("AveragePool", ["c"], ["d"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("Gemm", ["e", "fc.weight", "fc.bias"], ["f"], transB=1),
        helper.make_node("Softmax", ["f"], ["y"]),
    ]
    weights = {"conv.weight": array(rng, 5, 3, 3, 3), "fc.weight": array(rng, 4, 20)}
    weights |= {name: array(rng, 5) for name in ("conv.bias", "scale", "shift", "mean")}
    weights |= {"variance": np.abs(array(rng, 5)) + 0.5, "fc.bias": array(rng, 4)}
    return save(place, nodes, weights, y=["batch", 4], **options)


def signature(folder: Path) -> Any:
    return tf.saved_model.load(str(folder)).signatures["serving_default"]


# The files have convolutions, transposed convolutions, an LSTM operator, a GRU that is a loop, and integer inputs.
@pytest.mark.parametrize("name", ["convnet", "segmenter", "lstm", "gru", "entity_embedding"])
def test_files_of_tf2onnx_keep_names_shapes_and_outputs(tmp_path: Path, name: str, read: Read) -> None:
    model = small(name)
    randomise(model)
    written = export_to("onnx", model, tmp_path / "model.onnx")
    result = read(written.place)
    assert result.description.startswith("ONNX file of tf2onnx ") and result.model is None
    assert result.reference_name == f"ONNX Runtime {onnxruntime.__version__}"
    run = signature(result.saved_model)
    specs = run.structured_input_signature[1]
    assert {key: (each.shape.as_list()[1:], each.dtype) for key, each in specs.items()} == {
        each.name: (list(each.shape[1:]), each.dtype) for each in model.inputs
    }
    rng = np.random.default_rng(1)
    for batch in (1, 5):
        inputs = {
            key: rng.integers(0, 5, (batch, *(size or 9 for size in spec.shape[1:]))).astype(spec.dtype.as_numpy_dtype)
            for key, spec in specs.items()
        }
        want = result.reference(inputs)
        got = run(**{key: tf.constant(value) for key, value in inputs.items()})
        assert got.keys() == want.keys() == set(written.outputs)
        for key, value in want.items():
            np.testing.assert_allclose(got[key], value, rtol=1e-4, atol=1e-5)


def test_channels_stay_first_and_input_names_become_valid(tmp_path: Path, read: Read) -> None:
    result = read(convnet(tmp_path / "net.onnx", x="input.1", producer_name="pytorch", producer_version="2.9.0"))
    assert result.description == "ONNX file of pytorch 2.9.0: 7 nodes"
    assert result.changes[0] == "input 'input.1' renamed to input_1"
    assert result.changes[1].startswith("compared with ONNX Runtime ")
    run = signature(result.saved_model)
    assert run.structured_input_signature[1]["input_1"].shape.as_list() == [None, 3, 8, 8]
    x = np.random.default_rng(0).random((3, 3, 8, 8), np.float32)
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(run(input_1=tf.constant(x))["y"], session.run(None, {"input.1": x})[0], atol=1e-6)


def test_external_weights_are_embedded(tmp_path: Path, read: Read) -> None:
    place = convnet(tmp_path / "net.onnx")
    want = read(place).reference({"x": np.ones((1, 3, 8, 8), np.float32)})["y"]
    onnx.save(onnx.load(place), place, save_as_external_data=True, location="net.data", size_threshold=0)
    assert (tmp_path / "net.data").stat().st_size > 0
    result = read(place)
    (tmp_path / "net.data").unlink()
    got = signature(result.saved_model)(x=tf.ones((1, 3, 8, 8)))["y"]
    np.testing.assert_allclose(got, want, atol=1e-6)


def with_external_weight(place: Path, **reference: Any) -> Path:
    """Writes a model whose only weight (192 floats) refers to an external file.

    Args:
        place: the file to write.
        **reference: the entries of `external_data`.
    """
    save(place, [helper.make_node("Add", ["x", "w"], ["y"])], {"w": np.zeros((3, 8, 8), np.float32)})
    model = onnx.load(place)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in reference.items():
        tensor.external_data.add(key=key, value=str(value))
    place.write_bytes(model.SerializeToString())
    return place


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        ({"location": "../outside"}, PermissionDenied, "in the model file's folder. Received: '../outside'"),
        ({"location": "/etc/hostname"}, PermissionDenied, "Received: '/etc/hostname'"),
        ({"location": "linked"}, PermissionDenied, "a link or a device"),
        ({}, PermissionDenied, "in the model file's folder"),
        ({"location": "missing"}, InvalidArgument, "Weights file not found: missing in "),
        ({"location": "data", "offset": 4}, InvalidArgument, "Expected 768 bytes of 'w' in data"),
        ({"location": "data", "offset": -4}, InvalidArgument, "Expected 768 bytes of 'w' in data"),
        ({"location": "data", "length": 1 << 40}, InvalidArgument, "Expected 768 bytes of 'w' in data"),
        ({"location": "data", "length": "all"}, InvalidArgument, "Malformed reference to a tensor in data"),
    ],
)
def test_invalid_references_to_external_weights_are_refused(
    reference: dict[str, Any], error: type[ServingError], message: str, tmp_path: Path, read: Read
) -> None:
    (tmp_path / "outside").write_bytes(b"\0" * 768)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "data").write_bytes(b"\0" * 768)
    (folder / "linked").symlink_to(tmp_path / "outside")
    with pytest.raises(error, match=message):
        read(with_external_weight(folder / "net.onnx", **reference))


def test_custom_operators_are_refused(tmp_path: Path, read: Read) -> None:
    node = helper.make_node("Evil", ["x"], ["y"], domain="com.example")
    with pytest.raises(PermissionDenied, match="standard ONNX operators. Received: 'Evil' of 'com.example' in net.onn"):
        read(save(tmp_path / "net.onnx", [node], domains=[helper.make_opsetid("com.example", 1)]))
    body = [helper.make_node("Relu", ["a"], ["b"])]
    function = helper.make_function("", "Own", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    with pytest.raises(PermissionDenied, match="Received: 'function Own' in net.onnx"):
        read(save(tmp_path / "net.onnx", [helper.make_node("Own", ["x"], ["y"])], functions=[function]))


def test_errors_name_the_node_that_cannot_be_converted(tmp_path: Path, read: Read) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("GridSample", ["a", "grid"], ["b"], name="warp"),
        helper.make_node("LpPool", ["b"], ["y"], kernel_shape=[2, 2]),
    ]
    place = save(tmp_path / "net.onnx", nodes, {"grid": np.zeros((1, 2, 2, 2), np.float32)})
    with pytest.raises(FailedPrecondition, match="Unsupported ONNX operator: GridSample in node 'warp' "):
        read(place)
    nodes = [helper.make_node("Pad", ["x", "pads"], ["y"], mode="wrap")]
    place = save(tmp_path / "net.onnx", nodes, {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])}, y=["batch", 3, 10, 10])
    with pytest.raises(FailedPrecondition, match=r"ONNX node 'y' \(Pad\) cannot be converted: mode=wrap"):
        read(place)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    from keras_gallery.serving.importer.onnx import file as onnx_file
    from keras_gallery.serving.importer.reading.result import Options

    data = convnet(tmp_path / "net.onnx").read_bytes()
    (tmp_path / "net.onnx").write_bytes(data[: len(data) // 2])
    with pytest.raises(InvalidArgument, match="^Expected an? .*ONNX file. Received: "):
        onnx_file.read(tmp_path / "net.onnx", Options(tmp_path))
    nodes = [helper.make_node("Relu", ["nowhere"], ["y"])]
    with pytest.raises(InvalidArgument, match="^Expected a valid ONNX file. Received: .*nowhere"):
        onnx_file.read(save(tmp_path / "net.onnx", nodes), Options(tmp_path))


def test_large_constants_are_not_allocated(tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """The conversion must not allocate a terabyte of zeros.

    The test runs without ONNX Runtime, which would allocate the zeros. `gallery import` runs ONNX Runtime in a process
    with limited memory.
    """
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"]),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else find(name))
    result = read(save(tmp_path / "net.onnx", nodes, {"size": np.array([10**6, 250_000])}))
    assert result.reference is None and result.changes == []


def test_a_difference_from_onnx_runtime_is_refused(tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    from keras_gallery.serving.importer.onnx import graph as onnx_graph

    place = convnet(tmp_path / "net.onnx")
    monkeypatch.setitem(onnx_graph.OPERATORS, "Relu", lambda call, x: x)
    with pytest.raises(FailedPrecondition, match="The converted model differs from ONNX Runtime .* off by "):
        read(place)


def test_the_error_names_a_missing_package(tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    place = convnet(tmp_path / "net.onnx")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnx" else find(name))
    with pytest.raises(FailedPrecondition, match=r"onnx is not installed \(pip install '.\[convert\]'\)$"):
        read(place)
