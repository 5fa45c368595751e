"""Tests of joining, padding and cutting arrays. The expected values come from NumPy and plain lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from keras_gallery.serving.batching.assembly import cut, join, kind_of, padding_bytes, round_up, rows_of, split
from keras_gallery.serving.errors import FailedPrecondition, InvalidArgument
from keras_gallery.serving.wire import dtypes

DTYPES = [row.numpy for row in dtypes.DATA_TYPES]


def array(shape: tuple[int, ...], dtype: Any = np.float32, seed: int = 0) -> Any:
    """Returns random values without zeros."""
    numbers = np.random.default_rng(seed).integers(1, 9, shape)
    if dtype == np.object_:
        return np.array([str(number).encode() for number in numbers.flat], object).reshape(shape)
    return numbers.astype(dtype)


# === Rows and batch keys ===


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({}, "Batching Run() must have at least one input tensor"),
        ({"x": ()}, "Batching Run() input tensors must have at least one dimension"),
        ({"a": (2, 3), "b": ()}, "Batching Run() input tensors must have at least one dimension"),
        ({"a": (2, 3), "b": (3,)}, "Batching Run() input tensors must have equal 0th-dimension size"),
        ({"a": (0, 3), "b": (1,)}, "Batching Run() input tensors must have equal 0th-dimension size"),
    ],
)
def test_inputs_without_common_rows(shapes: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        rows_of({name: array(shape) for name, shape in shapes.items()})
    assert str(caught.value) == message


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_rows(rows: int) -> None:
    assert rows_of({"a": array((rows, 3)), "b": array((rows,))}) == rows


@pytest.mark.parametrize(
    ("other", "equal", "equal_padded"),
    [
        ({"x": array((9, 3))}, True, True),
        ({"x": array((2, 4))}, False, True),
        ({"x": array((2, 3, 1))}, False, False),
        ({"x": array((2,))}, False, False),
        ({"x": array((2, 3), np.int32)}, False, False),
        ({"y": array((2, 3))}, False, False),
    ],
)
def test_batch_keys(other: Any, equal: bool, equal_padded: bool) -> None:
    mine = {"x": array((2, 3))}
    assert (kind_of(mine, pad=False) == kind_of(other, pad=False)) is equal
    assert (kind_of(mine, pad=True) == kind_of(other, pad=True)) is equal_padded


@given(st.integers(1, 50), st.lists(st.integers(1, 50), unique=True).map(sorted))
def test_round_up(rows: int, allowed: list[int]) -> None:
    assert round_up(rows, allowed) == min([size for size in allowed if size >= rows], default=rows)


# === Joining ===


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("inner", [(), (3,), (2, 1, 3)])
@pytest.mark.parametrize("sizes", [[1], [2, 0, 3], [1] * 20])
def test_join(dtype: Any, inner: tuple[int, ...], sizes: list[int]) -> None:
    parts = [{"x": array((size, *inner), dtype, seed)} for seed, size in enumerate(sizes)]
    joined = join(parts, sum(sizes))["x"]
    expected = np.concatenate([part["x"] for part in parts])
    assert joined.dtype == dtype and joined.shape == expected.shape
    assert (joined == expected).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_padding_rows_repeat_the_first_row_of_the_last_part(dtype: Any) -> None:
    parts = [{"x": array((2, 3), dtype, 1)}, {"x": array((2, 3), dtype, 2)}, {"x": array((0, 3), dtype)}]
    joined = join(parts, 7)["x"]
    assert joined.shape == (7, 3)
    assert (joined[:4] == np.concatenate([parts[0]["x"], parts[1]["x"]])).all()
    assert (joined[4:] == parts[1]["x"][0]).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_inner_padding_repeats_the_first_element_of_each_part(dtype: Any) -> None:
    parts = [{"x": array((1, 2, 3), dtype, 1)}, {"x": array((2, 4, 1), dtype, 2)}, {"x": array((1, 0, 2), dtype)}]
    joined = join(parts, 5)["x"]
    assert joined.shape == (5, 4, 3) and joined.dtype == dtype
    nothing = b"" if dtype == np.object_ else np.zeros((), dtype)
    expected = [
        np.pad(
            part["x"],
            [(0, 0), *((0, most - size) for most, size in zip((4, 3), part["x"].shape[1:], strict=True))],
            constant_values=part["x"].flat[0] if part["x"].size else nothing,
        )
        for part in parts
    ]
    assert (joined[:4] == np.concatenate(expected)).all()
    assert (joined[4] == joined[3]).all()


def test_inputs_are_joined_by_name_and_not_changed() -> None:
    one, other = {"a": array((1, 2)), "b": array((1,))}, {"b": array((2,), seed=1), "a": array((2, 2), seed=1)}
    for each in (*one.values(), *other.values()):
        each.flags.writeable = False
    joined = join([one, other], 4)
    assert (joined["a"][:3] == np.concatenate([one["a"], other["a"]])).all()
    assert (joined["b"][:3] == np.concatenate([one["b"], other["b"]])).all()
    assert joined["a"].flags.writeable and joined["a"].flags.c_contiguous


def test_arrays_that_are_not_contiguous() -> None:
    parts = [{"x": array((6, 4))[::2, ::-1]}, {"x": array((4, 3), seed=1).T}]
    assert (join(parts, 6)["x"] == np.concatenate([part["x"] for part in parts])).all()


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 3)), min_size=1, max_size=6),
    st.integers(0, 5),
)
def test_padding_bytes(shapes: list[tuple[int, int, int]], more: int) -> None:
    if not sum(shape[0] for shape in shapes):
        more = 0
    parts = [{"x": array(shape, np.float64)} for shape in shapes]
    size = sum(shape[0] for shape in shapes) + more
    joined = join(parts, size)["x"]
    assert padding_bytes(parts, size) == joined.nbytes - sum(part["x"].nbytes for part in parts)


# === Cutting ===


@given(arrays_of.arrays(np.int64, st.tuples(st.integers(0, 12), st.integers(0, 3))), st.data())
def test_split_and_cut_return_the_same_rows(whole: Any, data: st.DataObject) -> None:
    at = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    stops = [*at, len(whole)]
    sizes = [stop - start for start, stop in zip([0, *stops], stops, strict=False)]
    parts = split({"x": whole}, sizes)
    assert [len(part["x"]) for part in parts] == sizes
    outputs = {"y": np.concatenate([part["x"] for part in parts]), "z": whole * 2}
    start = 0
    for part, size in zip(parts, sizes, strict=True):
        got = cut(outputs, ["z", "y"], start, start + size, len(whole))
        assert list(got) == ["z", "y"]
        assert (got["y"] == part["x"]).all() and (got["z"] == part["x"] * 2).all()
        assert got["y"].base is outputs["y"] or got["y"].base is outputs["y"].base  # not copied
        start += size


def test_outputs_with_a_wrong_number_of_rows() -> None:
    outputs = {"scalar": np.float32(3).reshape(()), "short": array((1, 2)), "right": array((4, 2))}
    with pytest.raises(FailedPrecondition) as caught:
        cut(outputs, ["right", "scalar"], 0, 2, 4)
    assert str(caught.value) == "Batched output tensor has 0 dimensions"
    with pytest.raises(FailedPrecondition) as caught:
        cut(outputs, ["right", "short"], 0, 2, 4)
    assert str(caught.value) == (
        "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input tensors"
    )
    assert list(cut(outputs, ["right"], 0, 2, 4)) == ["right"]
