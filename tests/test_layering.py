"""Checks which folder may import from which.

`cli` may import from `serving`, `training` and `models`. `training` may import from `models`. All of them may import
from `preparation`. Within `serving` and `training`, a room may import only from lower rooms. A room is a folder, or a
single module at the top of `serving` or `training`.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "preparation": {"keras", "jax", "torch", "models", "training", "serving", "cli", "tools"},
    "models": {"tensorflow", "jax", "torch", "training", "serving", "cli", "tools"},
    "training": {"serving", "cli", "tools"},
    "serving": {"models", "training", "cli", "tools"},
    "cli": {"tools"},
}
# The rooms from the lowest to the highest. To prevent import cycles, a room may import only from the rooms before it.
ROOMS = {
    "serving": (
        *("errors", "leftovers", "memory", "system", "ports", "quiet", "fair_threads", "limits", "version_files"),
        *("allowed_operations", "landlock", "printable"),
        *(
            "wire",
            "wire.json",
            "wire.open_inference",
            "saved_model",
            "warmup_file",
            "description",
            "card",
            "picture_sizes",
            "steps",
            "config",
            "observe",
        ),
        *("engines", "engines.tensorflow", "engines.recurrent", "engines.openvino"),
        *("batching", "core", "lifecycle", "processes"),
        *("api.grpc", "api.rest", "api.openapi", "api", "page", "server"),
        *("client", "launcher", "signatures", "export", "targets.tfjs", "targets", "doctor"),
        *("importer.reading", "importer.keras2", "importer.keras", "importer.saved_model"),
        *("importer.tfjs", "importer.onnx", "importer"),
    ),
    "training": (
        *("errors", "interrupt", "best_weights", "devices", "full_pass", "data", "datasets", "recipe", "recipes"),
        *("fingerprint", "sources", "toml_files", "recipe_files", "unfinished", "vector_files", "settings"),
        *("figures", "pictures", "runs", "word_tables", "tasks", "checkpoints", "logs", "fitting", "saving", "train"),
        *("about",),
        *("search_space", "studies", "tuning", "evaluation", "results"),
    ),
}


def package_of(file: Path) -> str:
    return ".".join(("keras_gallery", *file.parent.relative_to(ROOT).parts))


def imports(source: str, package: str) -> Iterator[tuple[str, str]]:
    """Yields the imports of `source`, a module of `package`, as (full name of the module, imported name).

    The imported name is "" for `import module`.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            yield from ((module, alias.name) for alias in node.names)


def imported(source: str, package: str) -> set[str]:
    """Returns the folders of keras_gallery (such as "models") and the other packages that `source` imports from."""
    names = {f"{module}.{name}" if name else module for module, name in imports(source, package)}
    return {name.removeprefix("keras_gallery.").partition(".")[0] for name in names}


def room_of(name: str, folder: str) -> str:
    """Returns the room of the module or package `name`, such as "keras_gallery.serving.wire.tensor".

    Returns "" for the package of `folder` itself.
    """
    parts = name.split(".")[2:]
    path = ROOT / folder / Path(*parts)
    if not parts or path.is_dir():
        return ".".join(parts)
    return ".".join(parts[:-1]) or parts[0]


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_layers(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    for file in files:
        crossed = imported(file.read_text(encoding="utf-8"), package_of(file)) & FORBIDDEN[folder]
        assert not crossed, f"{file.relative_to(ROOT)} imports {', '.join(sorted(crossed))}"


@pytest.mark.parametrize("folder", ROOMS)
def test_rooms(folder: str) -> None:
    order = ROOMS[folder]
    used = set()
    for file in sorted((ROOT / folder).rglob("*.py")):
        package = package_of(file)
        name = package if file.name == "__init__.py" else f"{package}.{file.stem}"
        own = room_of(name, folder)
        if not own:  # the folder's own `__init__`
            continue
        assert own in order, f"{file.relative_to(ROOT)} is in no room of {__name__}.ROOMS"
        used.add(own)
        for module, member in imports(file.read_text(encoding="utf-8"), package):
            if not module.startswith(f"keras_gallery.{folder}"):
                continue
            whole = f"{module}.{member}"
            path = ROOT / Path(*whole.split(".")[1:])
            other = room_of(whole if path.is_dir() or path.with_suffix(".py").is_file() else module, folder)
            too_high = order.index(other) > order.index(own) if other else True
            assert not too_high, f"{file.relative_to(ROOT)} ({own}) imports {whole} ({other}), a higher room"
    assert used == set(order)


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_private_modules_stay_in_their_folder(folder: str) -> None:
    for file in sorted((ROOT / folder).rglob("*.py")):
        package = package_of(file)
        for module, member in imports(file.read_text(encoding="utf-8"), package):
            if not module.startswith("keras_gallery"):
                continue
            parent, _, name = module.rpartition(".")
            where = f"{file.relative_to(ROOT)} imports {module}.{member}"
            assert not name.startswith("_") or parent == package, where
            assert not member.startswith("_") or member.startswith("__"), where


def test_descriptions_of_the_preparation_need_no_tensorflow() -> None:
    for file in sorted((ROOT / "preparation").glob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            assert not isinstance(node, ast.Import) or node.names[0].name != "tensorflow", file.name


def test_every_folder_has_a_docstring_and_is_in_the_wheel() -> None:
    packages = {"keras_gallery"}
    for folder in FORBIDDEN:
        for file in sorted((ROOT / folder).rglob("*.py")):
            init = file.parent / "__init__.py"
            assert init.is_file(), f"{file.parent.relative_to(ROOT)} has no __init__.py"
            assert ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))), (
                f"{init.relative_to(ROOT)} has no docstring"
            )
            packages.add(package_of(file))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["tool"]["setuptools"]["packages"]) == packages | {"keras_gallery.pretrained"}


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
def test_every_form_of_import_is_found(source: str) -> None:
    assert imported(source, "keras_gallery.serving.engines") == {"models"}
