"""9,000 canvases with one to four digits, and the box around each digit; offline.

Shape: 8,000 training and 1,000 test canvases, (64, 64, 1), float32 in [0, 1]; up to 4 objects, float32 (4, 5): digit,
    top, left, bottom and right as fractions of the canvas; −1 for the digit where there are fewer.
Split: the training canvases show mnist_5k's training digits, the test canvases its test digits.
Source: drawn from mnist_5k with a fixed seed; see there.
"""

from ..data.dataset import Dataset
from ._canvases import canvases
from ._labels import DIGITS


def load() -> Dataset:
    train, test = canvases()
    source = "canvases with digits of MNIST (LeCun, Cortes, Burges; CC BY-SA 3.0)"
    return Dataset("digit_boxes", train.images, train.objects, test.images, test.objects, source, DIGITS)
