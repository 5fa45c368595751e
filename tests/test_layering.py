"""Imports run one way: cli → serving, training → models; models on `keras` alone."""

from __future__ import annotations

import ast
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "models": {"tensorflow", "jax", "torch", "training", "serving", "cli"},
    "training": {"serving", "cli"},
    "serving": {"models", "training", "cli"},
}


def imported(source: str, package: str) -> set[str]:
    """What `source`, a module of `package`, imports: folders of ours ("models"), else top-level packages."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("keras_gallery.").partition(".")[0] for name in names}


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_layers(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    for file in files:
        package = ".".join(("keras_gallery", *file.parent.relative_to(ROOT).parts))
        crossed = imported(file.read_text(encoding="utf-8"), package) & FORBIDDEN[folder]
        assert not crossed, f"{file.relative_to(ROOT)} imports {', '.join(sorted(crossed))}"


@pytest.mark.parametrize(
    "source",
    [
        "import keras_gallery.models.registry",
        "from keras_gallery import models",
        "from keras_gallery.models import create",
        "from ... import models",
        "from ...models.registry import create",
        "def later():\n    from ...models import create",
    ],
)
def test_every_form_of_import_is_seen(source: str) -> None:
    assert imported(source, "keras_gallery.serving.engines") == {"models"}
