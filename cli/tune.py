"""`gallery tune NAME` searches for better settings of a recipe."""

from __future__ import annotations

import argparse
import logging
import shlex
from collections.abc import Sequence
from dataclasses import replace

from ..models.registry import describe
from ..serving.printable import printable
from .command import Command
from .progress import loading, progress
from .train import add_hyperparameters, given_hyperparameters, runs_option
from .train_data import add as add_data
from .train_data import read as read_data

SETTINGS = ("recipe", "dataset", "epochs", "batch_size", "learning_rate", "seed")


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("name", help="the architecture, see gallery list")
    parser.add_argument("--trials", type=int, default=20, help="number of trainings (default: 20)")
    parser.add_argument("--output", metavar="FILE", help="the recipe file (default: NAME.toml)")
    parser.add_argument("--space", metavar="FILE", help="TOML file with ranges and fixed values of settings")
    parser.add_argument("--prune", action="store_true", help="stop trials that are worse than the median")
    parser.add_argument("--recipe", help="a recipe or a recipe file to start from (default: the first recipe)")
    parser.add_argument("--dataset", help="the dataset, see gallery datasets (default: the recipe's)")
    parser.add_argument("--epochs", type=int, help="passes over the training examples (default: the recipe's)")
    parser.add_argument("--batch-size", type=int, help="use this batch size in all trials")
    parser.add_argument("--learning-rate", type=float, help="use this learning rate in all trials")
    parser.add_argument("--seed", type=int, help="the same seed gives the same trials (default: 0)")
    parser.add_argument("--runs", default="runs", help="folder of all runs (default: runs)")
    add_data(parser)
    add_hyperparameters(parser, arguments)


def _run(values: argparse.Namespace) -> int:
    describe(values.name)
    from ..training.settings import TrainConfig, check  # imports NumPy, which an unknown name does not need

    settings = {name: getattr(values, name) for name in SETTINGS}
    config = TrainConfig(values.name, root=values.runs, source=read_data(values), **settings)
    check(config)  # before Keras is loaded, which takes long
    with loading():
        from ..training.tuning import tune
    logging.getLogger("tensorflow").setLevel("ERROR")  # it warns that each trial has a new model
    config = replace(config, hyperparameters=given_hyperparameters(values))
    tuned = tune(config, values.trials, values.space, values.output, values.prune, progress)
    if tuned.first_loss is not None:
        print(f"{'val_loss of the recipe':24} {tuned.first_loss:.6g}")
    print(f"{'val_loss of the best':24} {tuned.loss:.6g}")
    data = " with the same --data" if values.data is not None else ""
    command = f"gallery train {values.name} --recipe {shlex.quote(str(tuned.file))}{runs_option(values.runs)}{data}"
    print(printable(f"Saved in {tuned.file}; go on with: {command}"))
    return 0


COMMAND = Command(
    "search for better settings of a recipe",
    "Trains an architecture several times with other settings: learning rate, batch size, and the sizes of its layers. "
    "The loss on the validation split decides. The test examples are never used. The best settings become a recipe "
    "file. Finished trials are kept in runs/NAME: the same command goes on where an interrupted command has stopped. "
    "An option that sets a value, such as --learning-rate, sets it for all trials.",
    [
        "gallery tune mlp_classifier --dataset digits --epochs 5 --trials 10",
        "gallery tune mlp_classifier --data wine.csv --target class --trials 30 --output wine.toml",
    ],
    _configure,
    _run,
)
