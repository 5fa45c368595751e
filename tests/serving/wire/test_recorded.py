"""Compares the recorded results of TensorFlow with the installed TensorFlow."""

from __future__ import annotations

import pytest
from keras_gallery.serving.wire.dtypes import DATA_TYPES, DataType

from .recorded import Recorded, ask_tensorflow


@pytest.mark.models
@pytest.mark.parametrize("row", DATA_TYPES, ids=lambda row: row.name)
def test_recorded_results(row: DataType) -> None:
    calls = [each for each in Recorded().calls.values() if each["request"]["dtype"] == row.number]
    assert len(calls) >= 20
    for call in calls:
        assert ask_tensorflow(call["request"]) == call["answer"], call["request"]
