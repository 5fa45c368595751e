"""CIFAR-10: 60,000 small colour photographs in ten classes. They are downloaded, or read from GALLERY_DATA.

Shape: 50,000 training and 10,000 test images, (32, 32, 3), float32 in [0, 1]; labels 0 to 9 (airplane, automobile,
    bird, cat, deer, dog, frog, horse, ship, truck).
Split: the published split.
Files: `cifar10.npz` with x_train, y_train, x_test, y_test; see `datasets/_files.py`.
Source: A. Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images"; no licence is stated.
"""

from ..data.dataset import Dataset
from ._files import load_files

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def load() -> Dataset:
    return load_files("cifar10", source="CIFAR-10 (Krizhevsky 2009)", labels=LABELS)
