"""What a training leaves: `runs/<model>/<number>/`, whole or not at all.

config.json     the model, its hyperparameters, the training's settings and the versions it ran on
metrics.json    figures on the test images
history.json    training and validation loss of each epoch
tokens.json     what the ids of texts and categories stand for, where there are any
model.keras     the best epoch's weights, without the optimizer
pictures/       *.png
"""

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras

from ..models import builder, describe
from .errors import UnknownRun


@dataclass(frozen=True)
class Run:
    """A finished training.

    Attributes:
        folder: where it is kept.
        config: the contents of config.json.
        metrics: the contents of metrics.json.
        history: the contents of history.json.
    """

    folder: Path
    config: dict[str, Any]
    metrics: dict[str, float]
    history: dict[str, list[float]]

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it before its last epoch."""
        return bool(self.config["interrupted"])

    @cached_property
    def model(self) -> keras.Model:
        """The trained model, not compiled.

        Raises:
            UnknownRun: model.keras is missing or damaged.
        """
        builder(self.config["model"])  # makes the model's own layers known to Keras
        path = self.folder / "model.keras"
        try:
            return keras.saving.load_model(path, compile=False)
        except Exception as error:  # Keras raises many kinds for a damaged file
            reason = " ".join(str(error).split())
            raise UnknownRun(f"Expected a trained model in {path}. Received: {reason}.") from None

    @classmethod
    def load(cls, folder: str | Path) -> "Run":
        """Reads a run's figures; the model itself is read when it is asked for.

        Raises:
            UnknownRun: there is no finished run in `folder`.
        """
        folder = Path(folder)
        try:
            config, metrics, history = (
                json.loads((folder / f"{part}.json").read_text(encoding="utf-8"))
                for part in ("config", "metrics", "history")
            )
        except (OSError, ValueError) as error:
            raise UnknownRun(f"Expected a finished run in {folder}. Received: {error}.") from None
        return cls(folder, config, metrics, history)


def latest_run(model: str, root: str | Path = "runs") -> Run:
    """The newest finished run of a model.

    Raises:
        UnknownModel: there is no architecture of that name.
        UnknownRun: it has no finished run.
    """
    describe(model)
    numbers = _numbers(Path(root, model))
    if not numbers:
        raise UnknownRun(
            f"Expected a finished run of {model} in {root}. Received: none; make one with: gallery train {model}"
        )
    return Run.load(Path(root, model, f"{max(numbers):03d}"))


def keep(root: str | Path, model: str, write: Callable[[Path], None]) -> Path:
    """Makes the model's next run folder; `write` fills a temporary one first, so no half of a run is seen."""
    home = Path(root, model)
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".unfinished-") as scratch:
        draft = Path(scratch, "run")
        draft.mkdir()
        write(draft)
        number = max(_numbers(home), default=0)
        while True:
            number += 1
            folder = home / f"{number:03d}"
            try:
                os.rename(draft, folder)
            except OSError:
                if not folder.exists():
                    raise
            else:  # the number was free: no other training took it meanwhile
                return folder


def _numbers(home: Path) -> list[int]:
    return [int(path.name) for path in home.glob("[0-9]*") if path.name.isdecimal() and path.is_dir()]
