"""Fixtures for tests that train models."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def few_images() -> Iterator[None]:
    """Uses 60 test images instead of 1,000 for the picture of the codes, the noise levels and the canvases."""
    from keras_gallery.training.datasets import _canvases
    from keras_gallery.training.figures import slow
    from keras_gallery.training.pictures import draw

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draw, "POINTS", 60)
        patch.setattr(slow, "SWEPT", 60)
        patch.setattr(_canvases, "COUNTS", {"train": 400, "test": 60})
        yield


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains without graphs on TensorFlow: for a few steps, tracing and compiling them takes longer than the steps."""
    from keras_gallery.training import fitting

    monkeypatch.setattr(fitting, "compile_options", lambda xla: {"run_eagerly": True})
