"""The images of digit_scenes, with the number of the sentence as the class.

Shape: 12,000 training and 1,000 test images, (64, 64, 1), float32 in [0, 1], of 720 classes. The classes are the
    sentences in alphabetical order.
Split: see `digit_scenes.py`.
Source: see `digit_scenes.py`.
"""

import numpy as np

from ..data.dataset import Dataset
from ._canvases import SOURCE
from ._scenes import scenes


def load() -> Dataset:
    train, test = scenes()
    labels, classes = np.unique([*train.sentences, *test.sentences], return_inverse=True)
    y_train, y_test = np.split(classes.astype(np.int64), [len(train.sentences)])
    return Dataset("digit_scene_classes", train.images, y_train, test.images, y_test, SOURCE, tuple(labels.tolist()))
