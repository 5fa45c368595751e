"""The examples, run as they stand there."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.models
def test_independent_values_do_not_compress_and_correlated_ones_do(capsys: pytest.CaptureFixture[str]) -> None:
    found = runpy.run_path(str(EXAMPLES / "compression.py"))["main"]()
    assert found["independent"][0] == pytest.approx(15 / 20, abs=0.03)  # what does not fit is lost
    assert found["correlated"][0] < 0.02
    for ours, pca in found.values():
        assert ours == pytest.approx(pca, rel=0.05)
    assert "correlated   values: 0.0" in capsys.readouterr().out
