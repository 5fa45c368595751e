"""`gallery train NAME` trains an architecture with one of its recipes."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from typing import Any

from .. import api
from ..models.registry import describe, list_models
from ..serving.printable import printable
from .command import Command
from .figures import metric_lines
from .progress import loading, progress
from .show import option
from .train_data import add as add_data
from .train_data import read as read_data
from .train_options import add as add_options
from .train_options import read as read_options

RUNS = "runs"  # the default folder of all runs
# Options that `api.train` has, too.
SETTINGS = ("recipe", "dataset", "epochs", "batch_size", "learning_rate", "seed", "false_alarms")


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("name", help="the architecture, see gallery list")
    parser.add_argument(
        "--recipe", help="a recipe (see gallery show NAME) or a file, NAME.toml (default: the first recipe)"
    )
    parser.add_argument("--dataset", help="the dataset, see gallery datasets (default: the recipe's)")
    parser.add_argument("--epochs", type=int, help="passes over the training examples (default: the recipe's)")
    parser.add_argument("--batch-size", type=int, help="examples per training step (default: the recipe's)")
    parser.add_argument("--learning-rate", type=float, help="learning rate at the start (default: the recipe's)")
    parser.add_argument("--seed", type=int, help="the same seed gives the same results (default: 0)")
    parser.add_argument(
        "--false-alarms",
        type=float,
        metavar="RATE",
        help="autoencoders: share of normal examples above the threshold of the score (default: 0.01 for --data)",
    )
    parser.add_argument("--runs", default=RUNS, help="folder of all runs (default: runs)")
    add_options(parser)
    add_data(parser)
    add_hyperparameters(parser, arguments)


def add_hyperparameters(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds an option such as `--model.code-dim` for each hyperparameter of the architecture in `arguments`.

    Only the help text needs Keras: ranges and default values are in the code of the architecture.
    """
    known = set(list_models())
    name = next((word for word in arguments if word in known), None)
    if name is None:
        return
    info = describe(name)
    texts = dict.fromkeys(info.parameters, "")
    if {"-h", "--help"} & set(arguments):
        with loading():
            for each in info.hyperparameters:
                text = f"{each.help} ({each.expects}; default: {each.format(each.default)})"
                texts[each.name] = text.replace("%", "%%")
    group = parser.add_argument_group(f"hyperparameters of {name}")
    for parameter, text in texts.items():
        group.add_argument(option(parameter), dest=f"model.{parameter}", metavar="VALUE", help=text)


def given_hyperparameters(values: argparse.Namespace) -> dict[str, Any]:
    """Returns the values of the options that `add_hyperparameters` has added, without those that are not given."""
    info = describe(values.name)
    given = {name: text for name in info.parameters if (text := getattr(values, f"model.{name}")) is not None}
    if not given:
        return {}
    with loading():
        known = {each.name: each for each in info.hyperparameters}
    return {name: known[name].parse(text) for name, text in given.items()}


def _run(values: argparse.Namespace) -> int:
    describe(values.name)
    from ..training.settings import TrainConfig, check  # imports NumPy, which an unknown name does not need

    settings = {name: getattr(values, name) for name in SETTINGS} | read_options(values)
    source = read_data(values)
    check(
        TrainConfig(values.name, root=values.runs, source=source, **settings)
    )  # before Keras is loaded, which takes long
    given = given_hyperparameters(values)
    run = api.train(values.name, data=source, runs=values.runs, progress=progress, **settings, **given)
    print("\n".join(map(printable, metric_lines(run))))
    runs = runs_option(values.runs)
    if run.interrupted:
        print(printable(f"Interrupted: the best weights so far are saved in {run.folder}"))
        print(printable(f"Go on with the training: gallery train {values.name} --resume{runs}"))
        return 130
    print(printable(f"Saved in {run.folder}; go on with: gallery export {values.name}{runs}"))
    return 0


def runs_option(runs: str) -> str:
    """Returns the option `--runs` for a printed command: " --runs DIR", or "" for the default folder."""
    return "" if runs == RUNS else f" --runs {shlex.quote(runs)}"


COMMAND = Command(
    "train an architecture on a dataset or on your own data",
    "Trains an architecture with a recipe and saves the run in runs/NAME/NUMBER. Prints the metrics on the test "
    "examples beside those of simple methods, the number of parameters, and the time and speed of the training. Each "
    "hyperparameter of the architecture is an option, such as --model.code-dim; gallery train NAME --help lists these "
    "options. With --data, it trains on your own pictures, tables, series or texts.",
    [
        "gallery train denoising_autoencoder",
        "gallery train mlp_classifier --dataset digits --epochs 5 --model.hidden 64,32",
        "gallery train denoising_autoencoder --resume",
        "gallery train mlp_classifier --data wine.csv --target class",
        "gallery train sequence_to_sequence --data co2.csv --time month --value co2 --horizon 12",
    ],
    _configure,
    _run,
)
