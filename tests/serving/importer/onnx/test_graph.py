"""ONNX's operators against the answers that its package records: the standard's examples, and files of PyTorch."""

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
    path.parent for kind in ("operator", "converted") for path in DATA.glob(f"pytorch-{kind}/*/model.onnx")
)
Arrays = list[Any]

# How many of ONNX's examples of an operator are refused, for options that few models have.
REFUSED = {
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
    "Resize": 37,
}
# What NumPy and TensorFlow compute alike only nearly, or TensorFlow not at all, in 16 bits.
OTHER_IN_16_BITS = {"test_mod_mixed_sign_float16"}


def answers(model: Any, inputs: Arrays) -> Arrays:
    """What a converted model answers, as a graph. Whole numbers of 64 bits, mostly axes and sizes, are part of it."""
    values = onnx_tensors.arrays(model)
    names = [each.name for each in model.graph.input if each.name not in values]
    given = dict(zip(names, inputs, strict=True))
    fixed = (
        {name for name, value in given.items() if value.dtype == np.int64 or name == "scales"}
        if len(given) > 1
        else set()
    )
    runner = Runner(model, values | {name: given.pop(name) for name in fixed})
    function = tf.function(lambda tensors: runner(tensors), autograph=False)
    return [each.numpy() for each in function({name: tf.constant(value) for name, value in given.items()})]


def check(got: Arrays, want: Arrays) -> None:
    for one, other in zip(got, want, strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        tolerance = 2e-3 if one.dtype == np.float16 else 1e-4
        np.testing.assert_allclose(one, other, rtol=max(tolerance, 1e-3), atol=tolerance)


@functools.cache
def examples() -> dict[str, list[Any]]:
    """Those of the standard by operator, as far as they are of plain numbers and of operators that are converted."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # they overflow on purpose
        from onnx.backend.test.case.node import collect_testcases

        cases = collect_testcases(None)
    found = collections.defaultdict(list)
    for case in cases:
        operators = {node.op_type for node in nodes_of(case.model.graph)}
        arrays = [array for arrays in case.data_sets[0] for array in arrays]
        plain = all(isinstance(array, np.ndarray) and array.dtype.kind in "fiub" for array in arrays)
        if len(case.model.graph.node) == 1 and plain and operators <= OPERATORS.keys() and not case.model.functions:
            found[case.model.graph.node[0].op_type].append(case)
    return found


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_operators_answer_as_the_standards_examples(operator: str) -> None:
    refused = []
    for case in examples()[operator]:
        if case.name in OTHER_IN_16_BITS or "training" in case.name:
            continue
        inputs, outputs = case.data_sets[0]
        try:
            got = answers(case.model, inputs)
        except FailedPrecondition:
            refused.append(case.name)
            continue
        check(got, outputs)
    assert len(refused) == REFUSED.get(operator, 0), refused


@pytest.mark.parametrize("folder", PYTORCH, ids=lambda folder: folder.name)
def test_pytorchs_files_answer_as_pytorch_did(folder: Path) -> None:
    def recorded(kind: str) -> Arrays:
        files = sorted(folder.glob(f"test_data_set_0/{kind}_*.pb"), key=lambda file: int(file.stem.rpartition("_")[2]))
        return [numpy_helper.to_array(onnx.TensorProto.FromString(file.read_bytes())) for file in files]

    try:
        got = answers(onnx_file.prepare(onnx_file.load(folder / "model.onnx")), recorded("input"))
    except FailedPrecondition:
        assert folder.name.startswith("test_PReLU_")  # which is another operator in the oldest version
        return
    check(got, recorded("output"))
