"""Compares ONNX operators with results that the onnx package records: the standard's examples and PyTorch's files."""

from __future__ import annotations

import collections
import functools
import warnings
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.errors import FailedPrecondition
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import numpy as np
    import onnx
    import tensorflow as tf
    from keras_gallery.serving.importer.onnx import file as onnx_file
    from keras_gallery.serving.importer.onnx import tensors as onnx_tensors
    from keras_gallery.serving.importer.onnx.graph import OPERATORS, Runner, nodes_of
    from onnx import numpy_helper

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
PYTORCH = sorted(
    path.parent for name in ("operator", "converted") for path in DATA.glob(f"pytorch-{name}/*/model.onnx")
)
Arrays = list[Any]

# Number of examples per operator that have rare options and cannot be converted.
UNSUPPORTED = {
    "ArgMax": 8,
    "ArgMin": 8,
    "ConvTranspose": 3,
    "GRU": 1,
    "LSTM": 2,
    "MaxPool": 3,
    "Pad": 1,
    "RNN": 1,
    "ReduceMax": 2,
    "ReduceMin": 1,
    "ScatterND": 1,
}
EXECUTED = {"Resize", "Trilu"}  # operators whose examples are many: to convert them to graphs would take 5 s
# Examples with other results: in float16, TensorFlow differs from NumPy; for a scale that does not give a whole size,
# ONNX Runtime differs from the standard, and the import follows ONNX Runtime.
DIFFERENT = {
    "test_mod_mixed_sign_float16",
    "test_resize_downsample_scales_cubic_align_corners",
    "test_resize_downsample_scales_linear_align_corners",
}


def answers(model: Any, inputs: Arrays) -> Arrays:
    """Runs a model as a TensorFlow graph. Inputs of int64 are mostly axes and sizes, so they become constants."""
    values = onnx_tensors.arrays(model)
    names = [each.name for each in model.graph.input if each.name not in values]
    arrays = dict(zip(names, inputs, strict=True))
    constants = (
        {name for name, value in arrays.items() if value.dtype == np.int64 or name in ("roi", "scales")}
        if len(arrays) > 1
        else set()
    )
    runner = Runner(model, values | {name: arrays.pop(name) for name in constants})
    is_fast = model.graph.node[0].op_type in EXECUTED
    function = runner if is_fast else tf.function(lambda tensors: runner(tensors), autograph=False)
    return [np.asarray(each) for each in function({name: tf.constant(value) for name, value in arrays.items()})]


def check(got: Arrays, want: Arrays) -> None:
    for one, other in zip(got, want, strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        tolerance = 2e-3 if one.dtype == np.float16 else 1e-4
        np.testing.assert_allclose(one, other, rtol=max(tolerance, 1e-3), atol=tolerance)


@functools.cache
def examples() -> dict[str, list[Any]]:
    """Returns the standard's examples by operator, but only examples with plain arrays and supported operators."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # some examples overflow on purpose
        from onnx.backend.test.case.node import collect_testcases

        cases = collect_testcases(None)
    by_operator = collections.defaultdict(list)
    for case in cases:
        operators = {node.op_type for node in nodes_of(case.model.graph)}
        arrays = [array for arrays in case.data_sets[0] for array in arrays]
        plain = all(isinstance(array, np.ndarray) and array.dtype.kind in "fiub" for array in arrays)
        if len(case.model.graph.node) == 1 and plain and operators <= OPERATORS.keys() and not case.model.functions:
            by_operator[case.model.graph.node[0].op_type].append(case)
    return by_operator


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_operators_equal_the_standards_examples(operator: str) -> None:
    unsupported = []
    for case in examples()[operator]:
        if case.name in DIFFERENT or "training" in case.name:
            continue
        inputs, outputs = case.data_sets[0]
        try:
            got = answers(case.model, inputs)
        except FailedPrecondition:
            unsupported.append(case.name)
            continue
        check(got, outputs)
    assert len(unsupported) == UNSUPPORTED.get(operator, 0), unsupported


@pytest.mark.parametrize("folder", PYTORCH, ids=lambda folder: folder.name)
def test_files_of_pytorch(folder: Path) -> None:
    def recorded(name: str) -> Arrays:
        files = sorted(folder.glob(f"test_data_set_0/{name}_*.pb"), key=lambda file: int(file.stem.rpartition("_")[2]))
        return [numpy_helper.to_array(onnx.TensorProto.FromString(file.read_bytes())) for file in files]

    try:
        got = answers(onnx_file.prepare(onnx_file.load(folder / "model.onnx")), recorded("input"))
    except FailedPrecondition:
        assert folder.name.startswith("test_PReLU_")  # these models cannot be upgraded from the oldest opset
        return
    check(got, recorded("output"))
