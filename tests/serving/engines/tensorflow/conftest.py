"""Fixtures: a TensorFlow process of its own for a test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.engines.tensorflow.process import TensorFlowProcess


@pytest.fixture
def owner() -> Iterator[TensorFlowProcess]:
    process = TensorFlowProcess(intra_op=1, inter_op=1)
    yield process
    process.close()


@pytest.fixture
def connect(owner: TensorFlowProcess) -> Iterator[Callable[[], TensorFlow]]:
    """Returns a function that creates an engine. All engines use the TensorFlow process of `owner`."""
    with contextlib.ExitStack() as stack:

        def make() -> TensorFlow:
            engine = TensorFlow(owner.address)
            stack.callback(engine.close)
            return engine

        yield make
