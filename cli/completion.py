"""`gallery completion SHELL` prints a shell script that completes commands, options, names and files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..models.registry import describe, list_models
from .command import Command
from .datasets import summaries
from .show import option

SHELLS = ("bash", "zsh", "fish")
FOLDERS = ("runs", "saved_models", "docs", "run")  # the options whose value is a folder
EMBEDDED = ("embed", "inputs")  # files or texts
ARCHITECTURES = ("show", "train", "export")  # the commands whose NAME is an architecture


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell that you use")


def _run(values: argparse.Namespace) -> int:
    import shtab

    from ..training.recipe import load_recipes
    from .parsing import build_parser

    models = list_models()
    choices = {
        "dataset": sorted(summaries()),
        "recipe": sorted({recipe for model in models for recipe in load_recipes(model)}),
    }
    parser = build_parser()
    for hyperparameter in sorted({each for model in models for each in describe(model).parameters}):
        parser.children["train"].add_argument(option(hyperparameter), metavar="VALUE", help="see gallery show NAME")
    for command, child in parser.children.items():
        for action in child._actions:
            if action.dest == "name" and command in ARCHITECTURES:
                action.choices = models
            elif action.dest in choices:
                action.choices = choices[action.dest]
            elif action.dest in FOLDERS:
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
            elif action.type is Path or action.dest in ("model", "output") or (command, action.dest) == EMBEDDED:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(parser, shell=values.shell))
    return 0


COMMAND = Command(
    "print a completion script for bash, zsh or fish",
    "Prints a script for your shell. With the script, the Tab key completes commands, options, the names of "
    "architectures, recipes and datasets, and files. The folder of the script must exist. zsh needs the folder in "
    "fpath, before compinit in ~/.zshrc.",
    [
        'eval "$(gallery completion bash)"    # in ~/.bashrc',
        "gallery completion zsh > ~/.zfunc/_gallery    # a folder of fpath",
        "gallery completion fish > ~/.config/fish/completions/gallery.fish",
    ],
    _configure,
    _run,
)
