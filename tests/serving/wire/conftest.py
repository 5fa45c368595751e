"""TensorFlow and the official messages of TensorFlow Serving, to compare with."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

import pytest


def _import(name: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of imported packages
        return importlib.import_module(name)


@pytest.fixture(scope="session")
def tf() -> ModuleType:
    return _import("tensorflow")


@pytest.fixture(scope="session")
def predict_pb2() -> ModuleType:
    return _import("tensorflow_serving.apis.predict_pb2")
