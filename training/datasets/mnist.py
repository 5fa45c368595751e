"""MNIST: 70,000 handwritten digits, from a folder of yours (GALLERY_DATA) or downloaded by Keras.

Shape: 28 × 28 × 1, float32, 0 (paper) to 1 (ink), from bytes divided by 255.
Split: the original one, 60,000 to train on and 10,000 to test on.
Licence: CC BY-SA 3.0 (Yann LeCun, Corinna Cortes).
"""

from __future__ import annotations

from . import Dataset
from ._files import load_or_download


def load() -> Dataset:
    """Reads the files under GALLERY_DATA; else downloads them.

    Raises:
        DataUnavailable: no files, and no network.
        BadData: a file is damaged.
    """
    return load_or_download("mnist")
