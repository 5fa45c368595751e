"""Fingerprints of the code that a result depends on: the model, the dataset and the recipe.

A run has the fingerprint of the code of its model and its dataset. The page of results says whether this code and the
recipe are still the same. Comments, docstrings, white space and the targets of recipes do not count. The code of the
training loop and of the figures does not count either: after a change there that can change results, measure all
recipes again.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import io
import json
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from .recipe import Recipe

ROOT = Path(__file__).resolve().parents[1]
PLACES = ("models", "preparation", "training/data", "training/datasets")  # whose modules count
OTHER = ("docstrings.py", "errors.py", "hyperparameters.py", "registry.py")  # modules that change no result


def code_of(model: str, dataset: str) -> str | None:
    """Returns 16 hexadecimal digits for the code of a model and a dataset.

    Returns None if the dataset is not one of the gallery.
    """
    (file,) = (ROOT / "models").rglob(f"{model}.py")
    loader = ROOT / "training" / "datasets" / f"{dataset}.py"
    if not loader.is_file():
        return None
    files = sorted(_closure(file) | _closure(loader))
    return _digest(f"{path.relative_to(ROOT).as_posix()} {_plain(path)}" for path in files)


def fingerprint(recipe: Recipe, code: str) -> str:
    """Returns 16 hexadecimal digits for a recipe, and for the result of `code_of`."""
    return _digest([json.dumps(_settings(recipe), sort_keys=True), code])


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _settings(recipe: Recipe) -> dict[str, object]:
    """Returns the attributes of a recipe that differ from the defaults, without its targets."""
    values = {each.name: getattr(recipe, each.name) for each in dataclasses.fields(recipe) if each.name != "targets"}
    defaults = {each.name: each.default for each in dataclasses.fields(recipe)}
    return {name: dict(v) if name == "hyperparameters" else v for name, v in values.items() if v != defaults[name]}


@cache
def _closure(file: Path) -> frozenset[Path]:
    """Returns a file and all files in `PLACES` that it imports, directly or not."""
    found, queue = set(), [file]
    while queue:
        path = queue.pop()
        if path not in found and path.name not in OTHER and path.relative_to(ROOT).as_posix().startswith(PLACES):
            found.add(path)
            queue += _imports(path)
    return frozenset(found)


def _imports(path: Path) -> Iterator[Path]:
    """Yields the files of this project that a file imports by relative imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1]
            module = folder.joinpath(*(node.module or "").split("."))
            for name in [module, *(module / each.name for each in node.names)]:
                yield from (each for each in (name.with_suffix(".py"), name / "__init__.py") if each.is_file())


@cache
def _plain(path: Path) -> str:
    """Returns the code of a file without comments, docstrings and white space."""
    source = path.read_text(encoding="utf-8")
    lines = [list(line) for line in source.splitlines(keepends=True)]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and first.end_lineno:
                for number in range(first.lineno - 1, first.end_lineno):  # a docstring has lines of its own
                    lines[number] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            del lines[row - 1][column:]
    return "".join("".join(line) for line in lines for line in ["".join(line).split()])
