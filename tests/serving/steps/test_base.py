"""Tests of the steps' JSON."""

from __future__ import annotations

import pytest
from keras_gallery.serving.steps import classes
from keras_gallery.serving.steps.base import Step


def test_two_classes_cannot_have_the_same_kind() -> None:
    with pytest.raises(TypeError, match="^Two classes of steps have the kind 'classes 1'.$"):
        type("Other", (Step,), {"kind": classes.Classes.kind})
