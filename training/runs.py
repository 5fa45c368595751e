"""Saves and loads runs. A run is a finished training, in a folder `runs/<model>/<number>/` with these files:

config.json     model, hyperparameters, training settings and versions of the libraries
metrics.json    metrics on the test examples, number of parameters, time and speed of the training
history.json    training and validation loss of each epoch
tokens.json     vocabularies of the ids, if the dataset has texts or categories
model.keras     model with the weights of the best epoch, without the optimizer
yardsticks.npz  parameters of the simple methods that the model is compared with, see `Task.saved_yardsticks`
preparation.json  how data of the user's own become inputs, and the threshold of the score
inputs.json     examples of the inputs: the end of a series, test texts, or words
pictures/       PNG files that the task draws
"""

import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .. import pretrained
from ..models import builder, describe
from ..preparation import description
from ..preparation.fields import BadPreparation
from .data.tokens import Tokens
from .errors import UnknownRun
from .unfinished import Unfinished

YARDSTICKS = "yardsticks.npz"


@dataclass(frozen=True)
class Run:
    """A finished training, saved in a folder.

    Attributes:
        folder: folder of the run.
        config: contents of config.json.
        metrics: contents of metrics.json.
        history: contents of history.json.
    """

    folder: Path
    config: dict[str, Any]
    metrics: dict[str, float]
    history: dict[str, list[float]]

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training before the last epoch."""
        return bool(self.config["interrupted"])

    @cached_property
    def model(self) -> keras.Model:
        """The trained model, not compiled. It is loaded when it is first used.

        Raises:
            UnknownRun: model.keras is missing or damaged.
        """
        builder(self.config["model"])  # registers the model's custom layers with Keras
        path = self.folder / "model.keras"
        try:
            return keras.saving.load_model(path, compile=False)
        except Exception as error:  # Keras raises many types of exceptions for a damaged file
            reason = " ".join(str(error).split())
            raise UnknownRun(f"Cannot load the trained model {path}: {reason}.") from None

    @property
    def is_pretrained(self) -> bool:
        """Whether the run comes with Keras Gallery."""
        return self.folder.parent == pretrained.FOLDER

    @property
    def preparation(self) -> dict[str, Any] | None:
        """The contents of preparation.json, or None if there is no such file.

        Raises:
            UnknownRun: the file is damaged.
        """
        content = self._json("preparation")
        try:
            if content is not None:
                description.read(content)
        except BadPreparation as error:
            raise UnknownRun(f"The file {self.folder / 'preparation.json'} is damaged: {error}.") from None
        return content

    @property
    def tokens(self) -> dict[str, Tokens]:
        """The vocabularies in tokens.json, by role; empty if there is no such file.

        Raises:
            UnknownRun: the file is damaged.
        """
        content = self._json("tokens") or {}
        try:
            return {role: Tokens(tuple(each["names"]), each["split"]) for role, each in content.items()}
        except (AttributeError, LookupError, TypeError) as error:
            raise UnknownRun(f"The file {self.folder / 'tokens.json'} is damaged: {error}.") from None

    @property
    def inputs(self) -> dict[str, Any]:
        """The contents of inputs.json, see `example_inputs`; empty if there is no such file.

        Raises:
            UnknownRun: the file is damaged.
        """
        return self._json("inputs") or {}

    @property
    def yardsticks(self) -> dict[str, NDArray[Any]] | None:
        """The arrays in yardsticks.npz, or None if there is no such file.

        Raises:
            UnknownRun: the file is damaged.
        """
        path = self.folder / YARDSTICKS
        try:
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, zipfile.BadZipFile, KeyError, EOFError) as error:
            raise UnknownRun(f"The file {path} is damaged: {error}.") from None

    def _json(self, part: str) -> dict[str, Any] | None:
        path = self.folder / f"{part}.json"
        try:
            content: dict[str, Any] = dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, RecursionError, ValueError, TypeError) as error:
            raise UnknownRun(f"The file {path} is damaged: {error}.") from None
        return content

    @classmethod
    def load(cls, folder: str | Path) -> "Run":
        """Reads the JSON files of a run. The property `model` loads the model when it is first used.

        Raises:
            UnknownRun: there is no finished run in `folder`.
        """
        folder = Path(folder)
        try:
            config, metrics, history = (
                json.loads((folder / f"{part}.json").read_text(encoding="utf-8"))
                for part in ("config", "metrics", "history")
            )
            if missing := {"model", "interrupted"} - dict(config).keys():
                raise ValueError(f"config.json does not have {', '.join(sorted(missing))}")
        except (OSError, RecursionError, ValueError, TypeError) as error:
            raise UnknownRun(f"No finished run in {folder}: {error}.") from None
        return cls(folder, config, metrics, history)


def latest_run(model: str, root: str | Path = "runs") -> Run:
    """Returns the newest finished run of a model. Without one, returns the run that comes with Keras Gallery.

    Raises:
        UnknownModel: no model has this name.
        UnknownRun: the model has no finished run, or the files of the newest run are damaged.
    """
    describe(model)
    numbers = _numbers(Path(root, model))
    if not numbers:
        if folder := pretrained.folder_of(model):
            return Run.load(folder)
        raise UnknownRun(f"No finished run of {model} in {root}. Train the model first: gallery train {model}")
    return Run.load(Path(root, model, f"{max(numbers):03d}"))


def find_run(name: str | Path, root: str | Path = "runs") -> Run:
    """Returns the run in the folder `name`, or the newest run of the model `name`.

    Raises:
        UnknownModel: there is no folder and no model with this name.
        UnknownRun: the folder has no finished run, or the model has none.
    """
    if Path(name, "config.json").is_file():
        return Run.load(name)
    if isinstance(name, Path) or os.sep in name:
        raise UnknownRun(f"No finished run in {name}.")
    return latest_run(name, root)


def save_run(root: str | Path, model: str, write: Callable[[Path], None]) -> Path:
    """Creates the next run folder of a model and returns it.

    `write` writes the files to a temporary folder. Then the temporary folder is renamed, so that an incomplete run is
    never visible.
    """
    home = Path(root, model)
    scratch = Unfinished(home, {})
    scratch.create()
    try:
        draft = Path(scratch.folder or home, "run")
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
            else:  # no other process has used this number in the meantime
                return folder
    finally:
        scratch.delete()


def _numbers(home: Path) -> list[int]:
    return [int(path.name) for path in home.glob("[0-9]*") if path.name.isdecimal() and path.is_dir()]
