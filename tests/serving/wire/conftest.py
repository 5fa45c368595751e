"""TensorFlow and the official messages of TensorFlow Serving, to compare with."""

from __future__ import annotations

import warnings
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def tf() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other packages' modules, while they are imported
        import tensorflow
    return tensorflow


@pytest.fixture(scope="session")
def predict_pb2() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorflow_serving.apis import predict_pb2
    return predict_pb2
