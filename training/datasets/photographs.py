"""Small patches of ten colour photographs. scikit-image and scikit-learn include the photographs.

Shape: about 7,000 training and 500 test patches, (32, 32, 3), float32 in [0, 1]. The labels 0 to 9 are the numbers of
    the photographs.
Split: each photograph is scaled to a height of 256 pixels. Test patches are from the right fifth of the photograph, and
    training patches are from the rest. So test results apply to new parts of known photographs, not to new photographs.
Source: scikit-image (astronaut, chelsea, coffee, hubble_deep_field, ihc, motorcycle_left, retina, rocket: public
    domain, CC0 or CC BY; see its data/README.txt) and scikit-learn (china, flower: CC BY).
"""

from importlib import resources

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..data.dataset import Dataset

PHOTOGRAPHS = {
    "astronaut": "skimage/astronaut.png",
    "chelsea": "skimage/chelsea.png",
    "coffee": "skimage/coffee.png",
    "hubble": "skimage/hubble_deep_field.jpg",
    "ihc": "skimage/ihc.png",
    "motorcycle": "skimage/motorcycle_left.png",
    "retina": "skimage/retina.jpg",
    "rocket": "skimage/rocket.jpg",
    "china": "sklearn/china.jpg",
    "flower": "sklearn/flower.jpg",
}
FOLDERS = {"skimage": "skimage.data", "sklearn": "sklearn.datasets.images"}
HEIGHT = 256
SIZE = 32
TEST_SHARE = 0.2
TRAIN_STEP = 8  # pixels between patches, which overlap
TEST_STEP = 16


def load() -> Dataset:
    train: list[NDArray[np.uint8]] = []
    test: list[NDArray[np.uint8]] = []
    for file in PHOTOGRAPHS.values():
        photograph = _read(file)
        border = round(photograph.shape[1] * (1 - TEST_SHARE))
        train.append(_patches(photograph[:, :border], TRAIN_STEP))
        test.append(_patches(photograph[:, border:], TEST_STEP))
    return Dataset(
        name="photographs",
        x_train=_scaled(train),
        y_train=_labels(train),
        x_test=_scaled(test),
        y_test=_labels(test),
        source="ten photographs as shipped with scikit-image and scikit-learn (public domain, CC0, CC BY)",
        labels=tuple(PHOTOGRAPHS),
    )


def _read(file: str) -> NDArray[np.uint8]:
    """Returns a photograph (256, width, 3)."""
    package, name = file.split("/")
    with (resources.files(FOLDERS[package]) / name).open("rb") as opened, Image.open(opened) as image:
        width = round(image.width * HEIGHT / image.height)
        return np.asarray(image.convert("RGB").resize((width, HEIGHT), Image.Resampling.LANCZOS))


def _patches(photograph: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Returns patches (n, 32, 32, 3) of a photograph (height, width, 3), `step` pixels apart."""
    windows = np.lib.stride_tricks.sliding_window_view(photograph, (SIZE, SIZE), axis=(0, 1))[::step, ::step]
    return windows.transpose(0, 1, 3, 4, 2).reshape(-1, SIZE, SIZE, 3)  # (…, channels, 32, 32) to (n, 32, 32, channels)


def _scaled(patches: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    return np.concatenate(patches).astype(np.float32) / np.float32(255)


def _labels(patches: list[NDArray[np.uint8]]) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(patches)), [len(each) for each in patches])
