"""Runs the examples in the docstrings of the layers and of `models.grid`."""

import doctest
import importlib
import pkgutil

import pytest
from keras_gallery.models import layers

MODULES = [f"{layers.__name__}.{each.name}" for each in pkgutil.iter_modules(layers.__path__)]


@pytest.mark.models
@pytest.mark.parametrize("name", [*MODULES, "keras_gallery.models.grid"])
def test_docstring_example(name: str) -> None:
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted and not failed
