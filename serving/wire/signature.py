"""A signature of a SavedModel: the names, dtypes and shapes of its inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...preparation.description import PIXELS, Pictures
from ...preparation.notes import Noted, read_note
from . import dtypes, tensor

__all__ = ["DEFAULT_SIGNATURE", "PIXELS", "PIXELS_DIMENSION", "SignatureDef", "TensorSpec"]

DEFAULT_SIGNATURE = "serving_default"
PIXELS_DIMENSION = "pixels "  # an export names the last dimension of images "pixels 0..255", for example


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output of a signature.

    Attributes:
        tensor: the tensor's name in the graph, such as "serving_default_x:0".
        dtype: the data type.
        shape: the size of each dimension, −1 for any size. None for any rank.
        pixels: for images, and for image files: the range of the pixel values that the model expects, one of `PIXELS`.
            "" if the signature does not say it.
        note: what the signature says about the preparation of the values (see `preparation.notes`). "" if it says
            nothing.
    """

    tensor: str
    dtype: dtypes.DataType
    shape: tuple[int, ...] | None
    pixels: str = field(default="", compare=False)
    note: str = field(default="", compare=False)

    @classmethod
    def named(cls, tensor: str, dtype: dtypes.DataType, shape: tuple[int, ...] | None, name: str) -> TensorSpec:
        """Returns a spec with the pixel values or the note in `name`, the name of the last dimension."""
        noted = read_note(name)
        pixels = noted.pixels if isinstance(noted, Pictures) else name.removeprefix(PIXELS_DIMENSION)
        return cls(tensor, dtype, shape, pixels if pixels in PIXELS else "", name if noted else "")

    @property
    def noted(self) -> Noted | None:
        """What `note` says. None if it says nothing."""
        return read_note(self.note)

    def accepts(self, shape: tuple[int, ...]) -> bool:
        """Returns whether the tensor can have the given shape."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(
            want in (-1, got) for want, got in zip(self.shape, shape, strict=True)
        )


@dataclass(frozen=True, slots=True)
class SignatureDef:
    """A named function of a SavedModel.

    Attributes:
        name: the signature's name, such as "serving_default".
        method_name: TensorFlow Serving's API method, such as "tensorflow/serving/predict".
        inputs: the inputs, sorted by name.
        outputs: the outputs, sorted by name.
        defaults: the default values of the optional inputs.
    """

    name: str
    method_name: str
    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]
    defaults: Mapping[str, tensor.Array | tensor.TensorError] = field(default_factory=dict, compare=False)
