"""`gallery datasets` lists the datasets: where the files of each come from, and what it contains."""

from __future__ import annotations

import argparse
import ast
from importlib.util import find_spec
from pathlib import Path

from .command import Command, no_options

INSTALLED = "installed"
DOWNLOADED = "download"
# Where a dataset comes from, if `pip install '.[models]'` does not install it.
SOURCES = {
    "cifar10": DOWNLOADED,
    "fashion_mnist": DOWNLOADED,
    "imdb": DOWNLOADED,
    "mnist": DOWNLOADED,
    "reviews": "own file",
}
LEGEND = f"""
{INSTALLED}: needs no internet access; the files are in the installed packages, or the examples are computed
{DOWNLOADED}: downloaded once, or read from the folder in the environment variable GALLERY_DATA
own file: read from the folder in the environment variable GALLERY_DATA; there is no download"""


def folder() -> Path:
    """Returns the folder with a module for each dataset. Does not import `training`, which is slow."""
    spec = find_spec("..training", __package__)
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], "datasets")


def summaries() -> dict[str, str]:
    """Returns the first line of each dataset module's docstring, by the name of the dataset."""
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
    "Lists the datasets: where the files of each come from, and what it contains.",
    ["gallery datasets", "gallery train mlp_classifier --dataset digits"],
    no_options,
    _run,
)
