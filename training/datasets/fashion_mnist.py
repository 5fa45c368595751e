"""Fashion-MNIST: 70,000 photographs of clothes in ten classes. They are downloaded, or read from GALLERY_DATA.

Shape: 60,000 training and 10,000 test images, (28, 28, 1), float32 in [0, 1]. Labels 0 to 9 (T-shirt,
    trousers, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot).
Split: the published split.
Files: see `datasets/_files.py`.
Source: H. Xiao, K. Rasul, R. Vollgraf 2017, "Fashion-MNIST", arXiv:1708.07747, MIT licence.
"""

from ..data.dataset import Dataset
from ._files import load_files

LABELS = (
    *("T-shirt", "trousers", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)


def load() -> Dataset:
    return load_files("fashion_mnist", source="Fashion-MNIST (Xiao, Rasul, Vollgraf 2017; MIT)", labels=LABELS)
