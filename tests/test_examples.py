"""Runs the programs in examples/."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.models
def test_only_correlated_values_are_compressible(capsys: pytest.CaptureFixture[str]) -> None:
    losses = runpy.run_path(str(EXAMPLES / "compression.py"))["main"]()
    assert losses["independent"][0] == pytest.approx(15 / 20, abs=0.03)  # 15 of 20 values do not fit into the code
    assert losses["correlated"][0] < 0.02
    for autoencoder, pca in losses.values():
        assert autoencoder == pytest.approx(pca, rel=0.05)
    assert "correlated   values: 0.0" in capsys.readouterr().out
