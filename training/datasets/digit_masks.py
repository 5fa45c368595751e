"""9,000 images with one to four digits, and the class of each pixel. The digits are from mnist_5k.

Shape: 8,000 training and 1,000 test images, (64, 64, 1), float32 in [0, 1]. The target is the class of each pixel,
    int64 (64, 64): 0 to 9 for a digit, and 10 for the background.
Split: training images contain training digits of mnist_5k, and test images contain test digits of mnist_5k.
Source: drawn with a fixed seed from the digits of `mnist_5k.py`.
"""

from ..data.dataset import Dataset
from ._canvases import SOURCE, canvases
from ._labels import DIGITS


def load() -> Dataset:
    train, test = canvases()
    labels = (*DIGITS, "background")
    return Dataset("digit_masks", train.images, train.masks, test.images, test.masks, SOURCE, labels)
