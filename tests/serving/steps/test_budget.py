"""Tests of the memory that steps may take."""

from __future__ import annotations

import numpy as np
import pytest
from keras_gallery.serving import limits
from keras_gallery.serving.errors import ResourceExhausted
from keras_gallery.serving.steps import budget
from keras_gallery.serving.steps.tokens import BYTES_PER_BYTE, TextIds


def test_a_large_text_waits_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "BUDGET", limits.WaitingBudget(1 << 20))
    monkeypatch.setattr(budget, "WAIT_SECONDS", 0.05)
    step = TextIds("text", "ids", ("a",), "words")
    small, large = (np.array([b"a " * (size // 2), None], object)[:-1] for size in (100, 100_000))
    assert step.run({"text": large}, {})["ids"].shape == (1, 50_000)
    with budget.memory(1 << 20):
        assert step.run({"text": small}, {})["ids"].tolist() == [[2] * 50]  # takes no memory to speak of
        with pytest.raises(ResourceExhausted, match="Retry later"):
            step.run({"text": large}, {})
    assert BYTES_PER_BYTE * len(small[0]) < budget.QUICK_BYTES < BYTES_PER_BYTE * len(large[0])
