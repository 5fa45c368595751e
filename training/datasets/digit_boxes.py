"""9,000 images with one to four digits, and the bounding box of each digit. The digits are from mnist_5k.

Shape: 8,000 training and 1,000 test images, (64, 64, 1), float32 in [0, 1]. The target has up to 4 objects, float32
    (4, 5): digit, top, left, bottom and right. The edges are fractions of the image's side. Unused rows have the digit
    −1.
Split: training images contain training digits of mnist_5k, and test images contain test digits of mnist_5k.
Source: drawn with a fixed seed from the digits of `mnist_5k.py`.
"""

from ..data.dataset import Dataset
from ._canvases import SOURCE, canvases
from ._labels import DIGITS


def load() -> Dataset:
    train, test = canvases()
    return Dataset("digit_boxes", train.images, train.objects, test.images, test.objects, SOURCE, DIGITS)
