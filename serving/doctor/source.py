"""Reads which classes and functions a Python module of the user defines, without running the module."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from ..errors import InvalidArgument

_DEFINITIONS = (ast.ClassDef, ast.FunctionDef)


def defined_names(module: str) -> set[str]:
    """Returns the names of the classes and functions of a module, and the names that they are registered with.

    The module can also be a package. Then its submodules count, too.

    Args:
        module: name of the module, such as "my_project.vae". It is in the current folder or in `sys.path`.

    Raises:
        InvalidArgument: there is no such module, or it is not valid Python.
    """
    names: set[str] = set()
    for file in _files(module):
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError) as error:
            raise InvalidArgument(f"Cannot read the module {module} of --classes: {file} ({error})") from None
        names |= {name for node in ast.walk(tree) if isinstance(node, _DEFINITIONS) for name in _names(node)}
    return names


def _files(module: str) -> list[Path]:
    """Returns the files of a module or a package."""
    parts = module.split(".")
    for folder in (".", *filter(None, sys.path)) if all(map(str.isidentifier, parts)) else ():
        place = Path(folder, *parts)
        if place.with_suffix(".py").is_file():
            return [place.with_suffix(".py")]
        if files := sorted(place.rglob("*.py")):
            return files
    raise InvalidArgument(
        f"The module {module} of --classes is neither in the current folder nor in PYTHONPATH. "
        "Expected the name of a module, such as my_project.vae for my_project/vae.py"
    )


def _names(node: ast.ClassDef | ast.FunctionDef) -> Iterator[str]:
    """Yields the name of a definition, and the name in `register_keras_serializable(package, name)`."""
    yield node.name
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call):
            given = [*decorator.args[1:2], *(each.value for each in decorator.keywords if each.arg == "name")]
            yield from (each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str))
