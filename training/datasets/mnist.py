"""MNIST: 70,000 handwritten digits. They are downloaded, or read from GALLERY_DATA.

Shape: 60,000 training and 10,000 test images, (28, 28, 1), float32 in [0, 1]. Labels 0 to 9.
Split: the published split.
Files: see `datasets/_files.py`.
Source: Y. LeCun, C. Cortes, C. Burges, the MNIST database, CC BY-SA 3.0.
"""

from ..data.dataset import Dataset
from ._files import load_files
from ._labels import DIGITS


def load() -> Dataset:
    return load_files("mnist", source="MNIST (LeCun, Cortes, Burges; CC BY-SA 3.0)", labels=DIGITS)
