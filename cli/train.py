"""`gallery train NAME`: trains an architecture by its recipe."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from ..models.errors import GalleryError
from ..models.hyperparameters import Hyperparameter
from ..models.registry import describe, list_models
from ..serving.quiet import quiet_import
from .show import option

HELP = "train an architecture on real data; every hyperparameter of the model is an option --model.…"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("name", help="see gallery list")
    parser.add_argument("--recipe", help="one of the model's recipes (see gallery show; default: its first)")
    parser.add_argument("--dataset", help="where the images come from (default: the recipe's)")
    parser.add_argument("--epochs", type=int, help="passes over the training images (default: the recipe's)")
    parser.add_argument("--batch-size", type=int, help="images a step (default: the recipe's)")
    parser.add_argument("--learning-rate", type=float, help="at the start (default: the recipe's)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same figures (default: 0)")
    parser.add_argument("--runs", default="runs", help="folder of all runs (default: runs)")
    known = set(list_models())
    name = next((word for word in arguments if word in known), None)
    if name is not None:
        add_hyperparameters(parser, name)


def add_hyperparameters(parser: argparse.ArgumentParser, name: str) -> None:
    """Adds `--model.…` for each keyword of a builder."""
    with quiet_import():
        hyperparameters = describe(name).hyperparameters
    group = parser.add_argument_group(f"hyperparameters of {name}")
    for each in hyperparameters:
        text = f"{each.help} ({each.expects}; default: {each.format(each.default)})".replace("%", "%%")
        group.add_argument(option(each.name), dest=f"model.{each.name}", type=_reader(each), metavar="VALUE", help=text)


def _reader(hyperparameter: Hyperparameter) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return hyperparameter.parse(text)
        except GalleryError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def run(values: argparse.Namespace) -> int:
    describe(values.name)  # an unknown name is told before TensorFlow is loaded
    with quiet_import():
        from ..training import TrainConfig, train

    given = {
        key.removeprefix("model."): value
        for key, value in vars(values).items()
        if key.startswith("model.") and value is not None
    }
    run = train(
        TrainConfig(
            model=values.name,
            recipe=values.recipe,
            hyperparameters=given,
            dataset=values.dataset,
            epochs=values.epochs,
            batch_size=values.batch_size,
            learning_rate=values.learning_rate,
            seed=values.seed,
            root=values.runs,
        )
    )
    for name, figure in run.metrics.items():
        print(f"{name:24} {figure:,.4f}" if isinstance(figure, float) else f"{name:24} {figure:,}")
    if run.interrupted:
        print(f"Interrupted: the best weights so far are kept in {run.folder}")
        return 130
    print(f"Kept in {run.folder}; go on with: gallery export {values.name}")
    return 0
