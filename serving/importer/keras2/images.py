"""TensorFlow functions for neural networks and images that `keras.ops` has with other arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .indexing import ELLIPSIS, WHOLE, key, span
from .steps import Arguments, Steps

_CHANNELS_LAST = ("NHWC", "NWC", "NDHWC")
_METHODS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")


def _bias_add(steps: Steps, x: Any, arguments: Arguments) -> None:
    arguments.expect("data_format", *_CHANNELS_LAST)
    steps.add("Add", x, arguments.tensor("bias"))


def _crelu(steps: Steps, x: Any, arguments: Arguments) -> None:
    both = steps.add("Concatenate", [x, steps.add("Negative", x)], axis=arguments.constant("axis", -1))
    steps.add("Relu", both, module="nn")


def _pool(class_name: str) -> Callable[[Steps, Any, Arguments], None]:
    def convert(steps: Steps, x: Any, arguments: Arguments) -> None:
        arguments.expect("data_format", *_CHANNELS_LAST)
        sizes = [_window(arguments.required(name), arguments) for name in ("ksize", "strides")]
        padding = str(arguments.required("padding")).lower()
        options = dict(zip(("pool_size", "strides"), sizes, strict=True))
        steps.add(class_name, x, module="nn", **options, padding=padding, data_format="channels_last")

    return convert


def _window(size: Any, arguments: Arguments) -> Any:
    """Returns the sizes of the axes of an image. TensorFlow also accepts the sizes of all axes."""
    sizes = size if isinstance(size, list) else [size]
    if len(sizes) > 3 and sizes[0] == sizes[-1] == 1:
        sizes = sizes[1:-1]
    elif len(sizes) > 3:
        raise arguments.unsupported("with a window over the batch or the channels")
    return sizes[0] if len(sizes) == 1 else sizes


def _pad(steps: Steps, x: Any, arguments: Arguments) -> None:
    mode, value = str(arguments.constant("mode", "CONSTANT")).lower(), arguments.constant("constant_values", 0)
    args = [x, value] if mode == "constant" and value else [x]
    steps.add("Pad", *args, pad_width=arguments.required("paddings"), mode=mode)


def _resize(steps: Steps, x: Any, arguments: Arguments) -> None:
    method, size = arguments.constant("method", "bilinear"), arguments.required("size")
    arguments.expect("preserve_aspect_ratio", False)
    if method not in _METHODS:
        raise arguments.unsupported(f"with method={method!r:.20}")
    options = {"antialias": bool(arguments.constant("antialias")), "data_format": "channels_last"}
    steps.add("Resize", x, module="image", size=size, interpolation=method, **options)


def _crop(steps: Steps, x: Any, arguments: Arguments) -> None:
    top, left = arguments.required("offset_height"), arguments.required("offset_width")
    height, width = arguments.required("target_height"), arguments.required("target_width")
    index = [ELLIPSIS, span(top, top + height), span(left, left + width), WHOLE]
    steps.add("GetItem", x, key(index))


def _adjust_contrast(steps: Steps, x: Any, arguments: Arguments) -> None:
    mean = steps.add("Mean", x, axis=[-3, -2], keepdims=True)
    difference = steps.add("Multiply", steps.add("Subtract", x, mean), arguments.tensor("contrast_factor"))
    steps.add("Add", difference, mean)


def _patches(steps: Steps, x: Any, arguments: Arguments) -> None:
    sizes = [_window(arguments.required(name), arguments) for name in ("sizes", "strides", "rates")]
    if sizes[2] not in (1, [1, 1]):
        raise arguments.unsupported("with rates")
    padding = str(arguments.required("padding")).lower()
    options = {"size": sizes[0], "strides": sizes[1], "padding": padding, "data_format": "channels_last"}
    steps.add("ExtractPatches", x, module="image", **options)


IMAGES: dict[str, Callable[[Steps, Any, Arguments], None]] = {
    "nn.bias_add": _bias_add,
    "nn.crelu": _crelu,
    **{f"nn.max_pool{n}": _pool("MaxPool") for n in ("", "1d", "2d", "3d")},
    **{f"nn.avg_pool{n}": _pool("AveragePool") for n in ("", "1d", "2d", "3d")},
    "pad": _pad,
    "image.resize": _resize,
    "image.crop_to_bounding_box": _crop,
    "image.adjust_contrast": _adjust_contrast,
    "image.extract_patches": _patches,
}
