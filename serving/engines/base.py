"""What an engine gives: for each signature, a callable on NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..saved_model import SignatureDef

Arrays = dict[str, np.ndarray[Any, Any]]


class Runner(Protocol):
    """One signature, ready to run. Any number of threads may call it."""

    engine: str  # what the log and the metrics call the engine

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        """Runs the signature on `inputs` (by name) and returns the named `outputs`.

        Raises `ServingError` for inputs that the model refuses.
        """

    def close(self) -> None:
        """Gives back what the runner holds."""


class Engine(Protocol):
    """A way of running signatures."""

    def load(self, folder: Path, signature: SignatureDef) -> Runner | None:
        """A runner for one signature of the SavedModel in `folder`; None where this engine can't take it."""

    def close(self) -> None:
        """Ends what the engine started."""
