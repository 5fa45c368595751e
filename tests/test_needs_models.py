"""Tests of needs_models.py, which finds the tests that need the `models` extra, and of costs.py."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .costs import LONGEST
from .needs_models import TESTS, function_needs, imports, module_needs, name_needs


@pytest.mark.parametrize(
    ("file", "needs"),
    [
        ("models/test_registry.py", True),  # imports Keras
        ("training/tasks/test_text.py", True),  # imports a package of ours that imports Keras
        ("training/data/test_tokens.py", False),
        ("serving/importer/keras/test_h5_file.py", True),
        ("serving/wire/test_tensor.py", False),
        ("serving/core/test_inference.py", False),
        ("hardening/test_http.py", False),
    ],
)
def test_modules(file: str, needs: bool) -> None:
    assert module_needs(TESTS / file) is needs


@pytest.mark.parametrize(
    ("file", "function", "needs"),
    [
        ("serving/conftest.py", "keras_model", True),
        ("serving/conftest.py", "images", False),
        ("conformance/conftest.py", "servers", False),
        ("cli/test_doctor.py", "test_json", True),
        ("hardening/conftest.py", "server", False),
    ],
)
def test_functions(file: str, function: str, needs: bool) -> None:
    assert function_needs(TESTS / file, function) is needs


def test_imports_within_functions_and_for_type_checkers(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(
        "import json\nif TYPE_CHECKING:\n    import keras\nwith quiet():\n    import h5py\n"
        "def f():\n    from keras_gallery.models import create\n"
    )
    tree = ast.parse(file.read_text())
    assert list(imports(tree, file, deep=False)) == ["json", "h5py"]
    assert list(imports(tree, file, deep=True)) == ["json", "h5py", "keras_gallery.models.create"]
    assert name_needs("h5py") and name_needs("keras_gallery.models.create") and not name_needs("json")


def test_the_files_that_start_first_exist() -> None:
    assert [file for file in LONGEST if not (TESTS / file).is_file()] == []
