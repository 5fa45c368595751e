"""The options of a file reader, and its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ...errors import FailedPrecondition
from .precision import TOLERANCE

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Options:
    """Options of a reader.

    Attributes:
        folder: an empty folder for temporary files, deleted after the import.
        trust: whether code in the file is allowed to run.
        classes: registered names of the user's classes that are allowed in the file, such as "my_project>Attention".
        like: the model that a weights-only file belongs to.
    """

    folder: Path
    trust: bool = False
    classes: frozenset[str] = frozenset()
    like: keras.Model | None = None


class RuntimeFails(FailedPrecondition):
    """The original runtime of a file cannot run the file."""


@dataclass(frozen=True)
class ReadResult:
    """The result of a reader: a Keras model, or the folder of a SavedModel that is served without changes.

    Attributes:
        description: description of the file, such as "HDF5 file of Keras 2.12: Functional, 7 layers".
        method: how the file was read, such as "rebuilt as a Keras 3 model".
        changes: a line of text for each change to the model.
        model: the model with its weights, or None.
        saved_model: the folder of a SavedModel, or None.
        reference: function that runs the file in its original runtime. It maps input arrays by name to output arrays by
            name. None if that runtime is not available. Raises RuntimeFails if that runtime cannot run the file.
        tolerance: largest allowed difference between the results of two runtimes, if the file needs more than the
            precision of its numbers says.
        outputs: names of the outputs of the SavedModel's signature in the order of the file, if the order is known.
        reference_name: name and version of the original runtime, such as "Keras 2 (tf_keras 2.21)".
    """

    description: str
    method: str
    changes: list[str] = field(default_factory=list)
    model: keras.Model | None = None
    saved_model: Path | None = None
    reference: Callable[[Arrays], Arrays] | None = None
    reference_name: str = ""
    outputs: Sequence[str] = ()
    tolerance: float = TOLERANCE
