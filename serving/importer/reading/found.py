"""What a reader of model files is told, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Options:
    """How a file is to be read.

    Attributes:
        folder: an empty folder to write into; it is gone after the import.
        trust: whether the file may run code of its own.
        classes: registered names, such as "my_project>Attention", of classes that the user has named.
        like: the model whose weights a weights-only file holds.
    """

    folder: Path
    trust: bool = False
    classes: frozenset[str] = frozenset()
    like: keras.Model | None = None


@dataclass(frozen=True)
class Found:
    """What was read: a model, or the folder of a SavedModel that is served as it is.

    Attributes:
        what: what the file is, such as "HDF5 file of Keras 2.12: Functional, 7 layers".
        way: the path that was taken, such as "rebuilt as a Keras 3 model".
        changes: a line for each repair.
        model: the model, built and with its weights.
        saved_model: the folder of a SavedModel.
        old: answers as the file's own runtime does, by names of inputs and of outputs; None where that is not at hand.
        old_name: that runtime, such as "Keras 2 (tf_keras 2.21)".
    """

    what: str
    way: str
    changes: list[str] = field(default_factory=list)
    model: keras.Model | None = None
    saved_model: Path | None = None
    old: Callable[[Arrays], Arrays] | None = None
    old_name: str = ""
