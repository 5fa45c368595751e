"""Tests of the registry and of the model descriptions. These tests do not need Keras."""

from __future__ import annotations

import subprocess
import sys

import pytest
from keras_gallery.models import GalleryError, UnknownModel, describe, list_models, register


def test_listing_does_not_import_keras() -> None:
    script = "import sys, keras_gallery.models as m; m.list_models(); print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", list_models())
def test_description_is_complete(name: str) -> None:
    info = describe(name)
    assert info.name == name
    assert info.summary.endswith(".") and info.formula and info.source


def test_unknown_model_error_suggests_the_closest() -> None:
    with pytest.raises(UnknownModel, match=r"Unknown model: dense_autoencodr\. Did you mean dense_auto.*Available: "):
        describe("dense_autoencodr")
    with pytest.raises(GalleryError, match=r"Unknown model: \.\./registry\. Available: "):
        describe("../registry")


def test_builder_needs_keywords_with_defaults() -> None:
    def positional(size: int = 1) -> None: ...

    def required(*, size: int) -> None: ...

    for build in (positional, required):
        with pytest.raises(TypeError, match="must be keyword-only and have a default"):
            register(build)
