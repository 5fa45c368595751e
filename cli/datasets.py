"""`gallery datasets`: the datasets, with what they hold and whether they need the network. Does not import Keras."""

from __future__ import annotations

import argparse
import ast
from importlib.util import find_spec
from pathlib import Path

from .command import Command, no_options

INSTALLED = "installed"
DOWNLOADED = "download"
# The datasets that are not installed with `pip install "keras-gallery[models]"`.
SOURCES = {
    "cifar10": DOWNLOADED,
    "fashion_mnist": DOWNLOADED,
    "imdb": DOWNLOADED,
    "mnist": DOWNLOADED,
    "reviews": "own file",
}
LEGEND = f"""
{INSTALLED}: needs no network; the files come with the installed packages, or the examples are computed
{DOWNLOADED}: downloaded once, or read from the folder in the environment variable GALLERY_DATA
own file: read from the folder in GALLERY_DATA; there is no download"""


def folder() -> Path:
    """The folder with a module for each dataset, found without importing `training`."""
    spec = find_spec("..training", __package__)
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], "datasets")


def summaries() -> dict[str, str]:
    """The first line of each dataset module's docstring, by the dataset's name."""
    found = {}
    for file in sorted(folder().glob("[!_]*.py")):
        doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        found[file.stem] = doc.partition("\n")[0]
    return found


def _run(values: argparse.Namespace) -> int:
    known = summaries()
    width = max(map(len, known))
    for name, summary in known.items():
        print(f"{name:{width}}  {SOURCES.get(name, INSTALLED):9}  {summary}")
    print(LEGEND)
    return 0


COMMAND = Command(
    "list the datasets",
    "Lists the datasets, with whether they are downloaded and what they hold.",
    ["gallery datasets", "gallery train mlp_classifier --dataset digits"],
    no_options,
    _run,
)
