"""Reads the model config file, and serves the models in the file whenever it has changed."""

from __future__ import annotations

import argparse
import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from ..config import model_config
from ..config.model_config import ModelConfig
from ..errors import FailedPrecondition, ServingError
from ..lifecycle.manager import Manager

log = logging.getLogger(__name__)


def models_of(values: argparse.Namespace) -> list[ModelConfig]:
    """Returns the models that the flags name. Raises InvalidArgument for an invalid model config file."""
    if values.model_config_file:
        return model_config.parse_config_file(Path(values.model_config_file))
    return [ModelConfig(values.model_name, Path(values.model_base_path).absolute())]


class ConfigWatcher:
    """Reads the model config file every `--model_config_file_poll_wait_seconds`, in a thread.

    A file that can't be read or served is logged once, and read again after the next pause.

    Args:
        values: the flags.
        manager: serves the models in the file.
        served: the models that the manager serves now.
    """

    def __init__(self, values: argparse.Namespace, manager: Manager, served: Sequence[ModelConfig]) -> None:
        self._flags, self._manager = values, manager
        self._path = Path(values.model_config_file)
        self._stopping = threading.Event()
        self._served = list(served)
        self._problem = ""

    def start(self) -> None:
        """Begins to watch the file, if there is one and the flags say so."""
        if self._flags.model_config_file and self._flags.model_config_file_poll_wait_seconds:
            threading.Thread(target=self._watch, name="config file", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def _watch(self) -> None:
        while not self._stopping.wait(self._flags.model_config_file_poll_wait_seconds):
            try:
                self.check()
                problem = ""
            except ServingError as error:
                problem = str(error)
            except Exception as error:  # whatever the file contains, the next file is read
                problem = f"{type(error).__name__}: {error}"
            if problem and problem != self._problem:
                log.error("%s: %s", self._path, problem.replace("\n", " "))
            self._problem = problem

    def check(self) -> None:
        """Reads the file. If the file has changed, begins to serve its models."""
        if self._path.exists() and not self._path.is_file():
            raise FailedPrecondition("The model config file is not a regular file.")
        wanted = models_of(self._flags)
        if wanted != self._served:
            self._manager.apply(wanted)
            self._served = wanted
            log.info("%s has changed: serving its models", self._path)
