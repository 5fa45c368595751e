"""Stores the trials of a tuning with Optuna, in `runs/<model>/tuning.sqlite3`."""

from __future__ import annotations

import fcntl
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from .errors import BadFolder, NotInstalled

STORAGE = "tuning.sqlite3"
LOCK = ".tuning.lock"
ERROR = "error"  # attribute of a trial that ended with an error


class Study:
    """The trials with the same settings. Trials of a process that was killed are left out.

    Args:
        home: folder of the runs of the model.
        settings: all settings that the trials share, for JSON.
        seed: seed of the search.
        prune: whether to stop trials whose values are worse than the median of the earlier trials.

    Raises:
        NotInstalled: Optuna is not installed.
        BadFolder: the file with the trials is damaged or cannot be written.
    """

    def __init__(self, home: Path, settings: Mapping[str, Any], seed: int, prune: bool) -> None:
        self.optuna = import_optuna()
        self.seed = seed
        name = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
        pruners = self.optuna.pruners
        file = home.absolute() / STORAGE
        try:
            self.study = self.optuna.create_study(
                storage=_storage(self.optuna, file),
                study_name=name,
                pruner=pruners.MedianPruner() if prune else pruners.NopPruner(),
                load_if_exists=True,
            )
        except import_module("sqlalchemy.exc").SQLAlchemyError as error:
            reason = str(error).partition("\n")[0]
            raise BadFolder(f"Cannot open the trials in {file}: {reason}. Delete this file to start again.") from None
        states = self.optuna.trial.TrialState
        for each in self.study.get_trials(states=[states.RUNNING]):
            self.study.tell(each.number, state=states.FAIL)

    @property
    def finished(self) -> list[Any]:
        """The finished trials in their order, with those that were stopped early or ended with an error."""
        return [
            trial
            for trial in self.study.get_trials(deepcopy=False)
            if trial.state.name in ("COMPLETE", "PRUNED") or ERROR in trial.user_attrs
        ]

    @property
    def best(self) -> Any:
        """The trial with the smallest value, or None."""
        complete = [trial for trial in self.finished if trial.state.name == "COMPLETE"]
        return min(complete, key=lambda trial: trial.value, default=None)

    def start(self, first: Mapping[str, Any]) -> Any:
        """Returns a new trial. The very first trial has the parameters `first`."""
        number = len(self.finished)
        # A new sampler for each trial: a resumed tuning then tries the same settings as an unbroken one.
        seed = int(np.random.SeedSequence((self.seed, number)).generate_state(1)[0])
        self.study.sampler = self.optuna.samplers.TPESampler(seed=seed)
        if number == 0:
            self.study.enqueue_trial(dict(first))
        return self.study.ask()

    def complete(self, trial: Any, value: float) -> None:
        """Stores the value of a trial."""
        self.study.tell(trial, value)

    def prune(self, trial: Any) -> None:
        """Stores that a trial was stopped early."""
        self.study.tell(trial, state=self.optuna.trial.TrialState.PRUNED)

    def fail(self, trial: Any, reason: str) -> None:
        """Stores the error of a trial."""
        trial.set_user_attr(ERROR, reason)
        self.study.tell(trial, state=self.optuna.trial.TrialState.FAIL)

    def again(self, trial: Any) -> Any:
        """Returns a trial with the parameters of a finished trial, for `Trait.suggest`."""
        return self.optuna.trial.FixedTrial(trial.params)


def _storage(optuna: Any, file: Path) -> Any:
    """Returns the storage of Optuna in an SQLite file. The path is not a URL, in which `?`, `%` and `{` are special."""
    connect = partial(sqlite3.connect, file, check_same_thread=False)
    return optuna.storages.RDBStorage("sqlite:///trials", engine_kwargs={"creator": connect})


def import_optuna() -> Any:
    """Imports Optuna.

    Raises:
        NotInstalled: Optuna is not installed.
    """
    try:
        import optuna
    except ModuleNotFoundError:
        raise NotInstalled("Tuning needs the package optuna: pip install optuna") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


@contextmanager
def one_at_a_time(home: Path) -> Iterator[None]:
    """Makes sure that only one process tunes a model in a folder of runs.

    Raises:
        BadFolder: another process does.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadFolder(f"Another gallery tune is running in {home}.") from None
        yield
