"""Reads data in memory, and NPZ and NPY files, as the arrays x, y, x_test and y_test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData
from .files import MOST_ARRAY_BYTES, read_arrays
from .source import Source
from .table import listed

Arrays = dict[str, NDArray[Any]]

MOST_UNKNOWN_BYTES = 2**30  # largest size of a `tf.data.Dataset` that does not say how many elements it has
NAMES = ("x", "y", "x_test", "y_test")
# Number of dimensions of an example of a `tf.data.Dataset`, by form; 3 for images. A batch has one dimension more.
DIMENSIONS = {"table": 1, "categories": 1, "sequences": 2, "series": 1, "texts": 0, "tags": 0, "pairs": 0, "lines": 0}


def joined(source: Source) -> Source:
    """Returns the source with a single DataFrame in place of a tuple (DataFrame, targets)."""

    def frame(data: Any) -> tuple[Any, str]:
        x, y = data
        name = str(getattr(y, "name", None) or "target")
        if len(x) != len(y):
            raise BadData(f"x has {len(x)} rows, but y has {len(y)}.")
        return x.reset_index(drop=True).assign(**{name: np.asarray(y)}), name

    def is_pair(data: Any) -> bool:
        return isinstance(data, tuple) and len(data) == 2 and type(data[0]).__name__ == "DataFrame"

    if not is_pair(source.data):
        return source
    data, name = frame(source.data)
    test = frame(source.test)[0] if is_pair(source.test) else source.test
    return replace(source, data=data, test=test, target=source.target or (name,))


def load_arrays(data: Any, forms: tuple[str, ...]) -> Arrays:
    """Returns the arrays `x`, and if they are there, `y`, `x_test` and `y_test`.

    Args:
        data: the path of an NPZ or NPY file, an array x, a tuple (x, y), a dict with the names of the arrays, a
            `tf.data.Dataset` or a `keras.utils.PyDataset`.
        forms: the forms of data that the model takes (see `needs.py`).

    Raises:
        BadData: the data have another form, do not fit into the limit of memory, or x and y have different lengths.
    """
    if isinstance(data, str | Path):
        arrays = _named(read_arrays(Path(data)), Path(data).name)
    elif isinstance(data, Mapping):
        arrays = _named({str(name): np.asarray(value) for name, value in data.items()}, "The dict")
    elif hasattr(data, "element_spec") or hasattr(data, "num_batches"):
        arrays = _collected(data, forms)
    elif isinstance(data, tuple):
        if len(data) != 2:
            raise BadData(f"A tuple of arrays is (x, y). Received: {len(data)} items.")
        arrays = {"x": np.asarray(data[0]), "y": np.asarray(data[1])}
    else:
        arrays = {"x": np.asarray(data)}
    for x, y in (("x", "y"), ("x_test", "y_test")):
        if y in arrays and len(arrays[x]) != len(arrays[y]):
            raise BadData(f"{x} has {len(arrays[x])} examples, but {y} has {len(arrays[y])}.")
    return {name: _plain(name, array) for name, array in arrays.items()}


def _named(arrays: Mapping[str, NDArray[Any]], where: str) -> Arrays:
    """Returns the arrays under the names `x`, `y`, `x_test` and `y_test`."""
    names = {"x_train": "x", "y_train": "y"}
    found = {names.get(name, name): array for name, array in arrays.items()}
    if len(found) == 1 and "x" not in found:
        found = {"x": next(iter(found.values()))}
    if "x" not in found or ("y_test" in found) > ("x_test" in found) or not found.keys() <= set(NAMES):
        wanted = "the arrays x and y, or x_train, y_train, x_test and y_test"
        raise BadData(f"{where} needs {wanted}. Received: {listed(list(arrays))}.")
    return found


def _plain(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Returns an array of numbers, truth values or texts. Bytes become texts.

    Raises:
        BadData: the array has other values, or no dimension.
    """
    if array.dtype.kind == "S" or (array.dtype.kind == "O" and all(isinstance(each, bytes) for each in array.flat)):
        array = np.array([each.decode("utf-8", "replace") for each in array.flat], object).reshape(array.shape)
    is_text = array.dtype.kind in "UT" or (
        array.dtype.kind == "O" and all(isinstance(each, str) for each in array.flat)
    )
    if not (is_text or array.dtype.kind in "iufb") or array.ndim == 0:
        raise BadData(f"The array {name} needs numbers or texts. Received: {array.dtype} {array.shape}.")
    return array.astype(object) if is_text else array


def _collected(data: Any, forms: tuple[str, ...]) -> Arrays:
    """Reads all examples of a `tf.data.Dataset` or a `keras.utils.PyDataset` into memory."""
    is_batched, elements = _elements(data, forms)
    is_endless = hasattr(data, "cardinality") and int(data.cardinality()) < 0  # it may be
    most = MOST_UNKNOWN_BYTES if is_endless else MOST_ARRAY_BYTES
    xs, ys, size = [], [], 0
    for element in elements:
        parts = element if isinstance(element, tuple | list) else (element,)
        if not 1 <= len(parts) <= 3 or any(isinstance(part, dict | tuple | list) for part in parts[:2]):
            raise BadData(f"Each element of the {type(data).__name__} must be x or (x, y), with one array each.")
        arrays = [np.asarray(part) for part in parts[:2]]
        size += sum(array.nbytes for array in arrays)
        if size > most:
            remedy = "take fewer examples, such as with take(100_000)"
            if is_endless:
                remedy += ", or say how many elements it has: apply(tf.data.experimental.assert_cardinality(n))"
            raise BadData(
                f"The {type(data).__name__} has more than {most / 2**30:.0f} GiB. It is read into memory: {remedy}."
            )
        xs.append(arrays[0])
        if len(arrays) > 1:
            ys.append(arrays[1])
    if not xs:
        raise BadData(f"The {type(data).__name__} has no examples.")
    join = np.concatenate if is_batched else np.stack
    try:
        return {"x": join(xs)} | ({"y": join(ys)} if ys else {})
    except ValueError:
        shapes = sorted({array.shape[is_batched:] for array in xs})
        raise BadData(f"All examples must have the same shape. Received: {shapes[0]} and {shapes[-1]}.") from None


def _elements(data: Any, forms: tuple[str, ...]) -> tuple[bool, Iterator[Any]]:
    """Returns whether the elements are batches, and the elements.

    Raises:
        BadData: the data have no end.
    """
    if hasattr(data, "num_batches"):
        if data.num_batches is None:
            raise BadData("The PyDataset has no end: its num_batches is None.")
        return True, (data[index] for index in range(len(data)))
    if int(data.cardinality()) == -1:
        raise BadData("The tf.data.Dataset has no end. Leave out repeat(), or use take().")
    spec = data.element_spec
    first = spec[0] if isinstance(spec, tuple | list) else spec
    rank = getattr(getattr(first, "shape", None), "rank", None)
    single = {DIMENSIONS.get(form, 3) for form in forms}
    return rank is not None and rank not in single, data.as_numpy_iterator()
