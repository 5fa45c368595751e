"""Fixtures for comparing with TensorFlow and with the official messages of TensorFlow Serving."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from types import ModuleType

import pytest

from .recorded import Recorded, Recorder


@pytest.fixture(scope="session")
def tf() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of the modules that TensorFlow imports
        import tensorflow
    return tensorflow


@pytest.fixture(scope="session")
def recorded() -> Iterator[Recorded]:
    """TensorFlow's results for tensors. If the environment variable RECORD is set, records the results anew."""
    if os.environ.get("RECORD"):
        recorder = Recorder()
        yield recorder
        recorder.write()
    else:
        yield Recorded()


@pytest.fixture(scope="session")
def predict_pb2() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorflow_serving.apis import predict_pb2
    return predict_pb2
