"""TensorFlow functions that select, split or mask values and that `keras.ops` has with other arguments."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

from .steps import Arguments, Raw, Steps

WHOLE = {"start": None, "stop": None, "step": None}
ELLIPSIS = {"class_name": "__ellipsis__", "config": {}}


def key(spec: Any) -> Raw:
    """Converts the index of a tensor to Keras 3's format: slices, integers, None and an ellipsis."""
    return Raw(_key(spec))


def _key(spec: Any) -> Any:
    if isinstance(spec, list):
        return [_key(each) for each in spec]
    if isinstance(spec, dict) and spec.keys() == {"start", "stop", "step"}:
        return {"class_name": "__slice__", "config": spec}
    if isinstance(spec, dict) and spec.get("class_name") == "__ellipsis__":
        return ELLIPSIS
    return spec


def span(start: int, stop: int | None, step: int | None = None) -> dict[str, Any]:
    return {"start": start, "stop": stop, "step": step}


def _getitem(steps: Steps, x: Any, arguments: Arguments) -> None:
    arguments.expect("var")
    steps.add("GetItem", x, key(arguments.tensor("slice_spec")))


def _slice_function(steps: Steps, x: Any, arguments: Arguments) -> None:
    begin, size = arguments.required("begin"), arguments.required("size")
    pairs = zip(begin, size, strict=True)
    steps.add("GetItem", x, key([span(at, None if size == -1 else at + size) for at, size in pairs]))


def _strided_slice(steps: Steps, x: Any, arguments: Arguments) -> None:
    begin, end = arguments.required("begin"), arguments.required("end")
    strides = arguments.constant("strides") or [1] * len(begin)
    for mask in ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"):
        arguments.expect(mask, 0)
    steps.add("GetItem", x, key([span(*each) for each in zip(begin, end, strides, strict=True)]))


def _gather(steps: Steps, x: Any, arguments: Arguments) -> None:
    indices, batch = arguments.tensor("indices"), arguments.constant("batch_dims", 0)
    axis = arguments.constant("axis", batch)
    arguments.expect("validate_indices")
    if batch == 0:
        steps.add("Take", x, indices, axis=axis)
    elif batch == axis == 1:  # indices of shape (batch, n)
        steps.add("TakeAlongAxis", x, steps.add("ExpandDims", indices, axis=-1), axis=1)
    else:
        raise arguments.unsupported(f"with batch_dims={batch}")


def _embedding_lookup(steps: Steps, x: Any, arguments: Arguments) -> None:
    arguments.expect("partition_strategy", "div", "mod")
    steps.add("Take", x, arguments.tensor("ids"), axis=0)


def _split(steps: Steps, x: Any, arguments: Arguments) -> None:
    sizes, axis = arguments.required("num_or_size_splits"), arguments.constant("axis", 0)
    arguments.expect("num")
    if isinstance(sizes, list):
        if -1 in sizes[:-1]:
            raise arguments.unsupported("with an unknown size before the last one")
        sizes = list(accumulate(sizes[:-1]))
    steps.add("Split", x, indices_or_sections=sizes, axis=axis)


def _sequence_mask(steps: Steps, lengths: Any, arguments: Arguments) -> None:
    longest, dtype = arguments.required("maxlen"), arguments.constant("dtype", "bool")
    mask = steps.add("Greater", steps.add("ExpandDims", lengths, axis=-1), list(range(longest)))
    steps.add("Cast", mask, module="core", dtype=dtype)


def _one_hot(steps: Steps, x: Any, arguments: Arguments) -> None:
    arguments.expect("on_value", 1, True)
    arguments.expect("off_value", 0, False)
    options = {"axis": arguments.constant("axis", -1), "dtype": arguments.constant("dtype", "float32")}
    steps.add("OneHot", x, module="nn", num_classes=arguments.required("depth"), **options)


def _band_part(steps: Steps, x: Any, arguments: Arguments) -> None:
    lower, upper = arguments.required("num_lower"), arguments.required("num_upper")
    if lower < 0:
        x = steps.add("Tril", x, k=upper) if upper >= 0 else steps.add("Identity", x, module="keras.layers")
    elif upper < 0:
        steps.add("Triu", x, k=-lower)
    else:
        steps.add("Tril", steps.add("Triu", x, k=-lower), k=upper)


INDEXING: dict[str, Callable[[Steps, Any, Arguments], None]] = {
    "__operators__.getitem": _getitem,
    "slice": _slice_function,
    "strided_slice": _strided_slice,
    "gather": _gather,
    "nn.embedding_lookup": _embedding_lookup,
    "split": _split,
    "sequence_mask": _sequence_mask,
    "one_hot": _one_hot,
    "linalg.band_part": _band_part,
}
