"""Tests the expressions that represent operations of OpenVINO graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.engines.recurrent.expressions import ExpressionBuilder, results
from openvino import Model
from openvino import opset15 as ops


def parameter(*shape: int) -> Any:
    return ops.parameter(shape, np.float32)


def expression_of(build: ExpressionBuilder, make: Any, *shape: int) -> Any:
    """Returns the expression of a graph with one input and one output."""
    x = parameter(*shape)
    return results(build, Model([make(x)], [x]))[0]


def test_sums_and_products_are_commutative() -> None:
    a, b = parameter(2, 3), parameter(2, 3)
    build = ExpressionBuilder()
    one, other = results(build, Model([ops.add(a, ops.multiply(a, b)), ops.add(ops.multiply(b, a), a)], [a, b]))
    assert one is other is build.parameter(0) + build.parameter(1) * build.parameter(0)


def test_differences_and_matrix_products_are_not_commutative() -> None:
    a, b = parameter(3, 3), parameter(3, 3)
    for operation in (ops.subtract, lambda a, b: ops.matmul(a, b, False, False)):
        one, other = results(ExpressionBuilder(), Model([operation(a, b), operation(b, a)], [a, b]))
        assert one is not other


def test_a_matrix_product() -> None:
    a, b = parameter(2, 3), parameter(3, 3)
    build = ExpressionBuilder()
    plain, transposed = results(build, Model([ops.matmul(a, b, False, False), ops.matmul(a, b, False, True)], [a, b]))
    assert plain is build.parameter(0) @ build.parameter(1)
    assert transposed is not plain


def sliced(begin: list[int], end: list[int], strides: list[int], **masks: list[int]) -> Any:
    """Returns a function that applies StridedSlice to its argument. The default of each mask is zeros."""
    masks = {"begin_mask": [], "end_mask": [], **masks}
    return lambda x: ops.strided_slice(x, np.int32(begin), np.int32(end), np.int32(strides), **masks)


@pytest.mark.parametrize(
    ("make", "columns"),
    [
        (lambda x: ops.split(x, np.int32(1), 3).output(1), (2, 4)),
        (lambda x: ops.split(x, np.int32(-1), 2).output(0), (0, 3)),
        (sliced([0, 2], [0, 4], [1, 1], begin_mask=[1], end_mask=[1]), (2, 4)),
        (sliced([0, 2], [0, 0], [1, 1], begin_mask=[0, 0], end_mask=[1, 1]), (2, 6)),
        (sliced([0, 3], [0, 4], [1, 1], begin_mask=[1, 1], end_mask=[1, 0]), (0, 4)),
    ],
)
def test_columns(make: Any, columns: tuple[int, int]) -> None:
    build = ExpressionBuilder()
    assert expression_of(build, make, 4, 6) is build.parameter(0).columns(*columns)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: ops.split(x, np.int32(0), 2).output(0),
        sliced([0, 0], [2, 4], [1, 1]),  # not all rows
        sliced([1, 0], [0, 4], [1, 1], begin_mask=[0], end_mask=[1]),
        sliced([0, 0], [0, 4], [1, 2], begin_mask=[1], end_mask=[1]),
        sliced([0, -2], [0, 6], [1, 1], begin_mask=[1], end_mask=[1]),
        sliced([0, 0], [0, 4], [1, 1], begin_mask=[1, 0], end_mask=[1, 0], shrink_axis_mask=[0, 1]),
    ],
)
def test_other_splits_and_slices_are_not_columns(make: Any) -> None:
    assert expression_of(ExpressionBuilder(), make, 4, 6).operation in ("Split", "StridedSlice")


def test_shared_subexpressions_are_not_repeated() -> None:
    """The graph has 2^100 paths from the input to the output, so following each path would never end."""
    build = ExpressionBuilder()

    def doubled(x: Any) -> Any:
        for _ in range(100):
            x = x + x
        return x

    assert expression_of(build, doubled, 1) is doubled(build.parameter(0))
