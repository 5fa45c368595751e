"""A signature of a SavedModel: the names, dtypes and shapes of its inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from . import dtypes, tensor

DEFAULT_SIGNATURE = "serving_default"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output of a signature.

    Attributes:
        tensor: the graph's own name for it, such as "serving_default_x:0".
        dtype: its data type.
        shape: sizes, −1 where any size will do; None where any rank will do.
    """

    tensor: str
    dtype: dtypes.DataType
    shape: tuple[int, ...] | None

    def accepts(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of `shape` fits."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(
            want in (-1, got) for want, got in zip(self.shape, shape, strict=True)
        )


@dataclass(frozen=True, slots=True)
class SignatureDef:
    """A named function of a SavedModel: what goes in and what comes out, by name and in the order of the names.

    Attributes:
        defaults: values of inputs that a request may leave out.
    """

    name: str
    method_name: str
    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]
    defaults: Mapping[str, tensor.Array | tensor.TensorError] = field(default_factory=dict, compare=False)
