"""Lists the models of `keras.applications`, with random weights, small images and ten classes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from .cases import Case, NotInThisVersion

CLASSES = 10
# Models of both versions of Keras → smallest size of the images.
SIZES = {
    **dict.fromkeys(("ConvNeXtTiny", "ConvNeXtSmall", "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtXLarge"), 32),
    **dict.fromkeys(("DenseNet121", "DenseNet169", "DenseNet201"), 32),
    **{f"EfficientNetB{number}": 32 for number in range(8)},
    **{f"EfficientNetV2{size}": 32 for size in ("B0", "B1", "B2", "B3", "S", "M", "L")},
    **dict.fromkeys(("InceptionResNetV2", "InceptionV3"), 75),
    **dict.fromkeys(("MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small"), 32),
    **dict.fromkeys(("NASNetLarge", "NASNetMobile"), 32),
    **{f"ResNet{depth}{version}": 32 for depth in (50, 101, 152) for version in ("", "V2")},
    **dict.fromkeys(("VGG16", "VGG19"), 32),
    "Xception": 71,
}
# Models with over 80 million parameters, which only `--large` includes.
LARGE = ("ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtXLarge", "EfficientNetV2L", "NASNetLarge")
# These models also run with Keras 2, and without the last layers (`include_top=False`), as a base for other models.
MAIN = (
    *("MobileNet", "MobileNetV2", "MobileNetV3Small", "ResNet50", "ResNet50V2", "VGG16", "DenseNet121", "Xception"),
    *("InceptionV3", "EfficientNetB0", "EfficientNetV2B0", "NASNetMobile", "ConvNeXtTiny"),
)
KERAS2_ONLY = {"RegNetX002": 32, "RegNetY002": 32, "ResNetRS50": 32}


def whole(name: str, size: int, keras: Any) -> Any:
    """Returns a model with a softmax over ten classes."""
    return _model(keras, name)(weights=None, input_shape=(size, size, 3), classes=CLASSES)


def base(name: str, size: int, keras: Any) -> Any:
    """Returns a model that ends with the average of the features, and a new layer for two classes."""
    without_top = _model(keras, name)(weights=None, input_shape=(size, size, 3), include_top=False, pooling="avg")
    inputs = keras.Input((size, size, 3))
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(without_top(scaled)))


def _model(keras: Any, name: str) -> Any:
    try:
        return getattr(keras.applications, name)
    except AttributeError as error:
        raise NotInThisVersion(str(error)) from None


def cases(*, large: bool = True) -> Iterator[Case]:
    """Yields all models. `large`: also those in `LARGE`."""
    for name, size in (SIZES | KERAS2_ONLY).items():
        if name in LARGE and not large:
            continue
        case = partial(Case, "applications", scale=255.0)
        if name not in KERAS2_ONLY:
            yield case(name, partial(whole, name, size))
        if name in MAIN or name in KERAS2_ONLY:
            yield case(name, partial(whole, name, size), keras=2, file_format="h5")
        if name in MAIN:
            yield case(f"{name} with two new classes", partial(base, name, size))
            yield case(f"{name} with two new classes", partial(base, name, size), keras=2, file_format="h5")
