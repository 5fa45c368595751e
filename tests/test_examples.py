"""Runs the programs and the notebooks in examples/."""

from __future__ import annotations

import json
import runpy
import shutil
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


@pytest.mark.models
@pytest.mark.filterwarnings("ignore:Values outside the range of the training examples")  # the series grows
@pytest.mark.parametrize("name", ["own_pictures", "own_series"])
def test_notebook(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs the cells in order, with one epoch. The notebook in the repository has the outputs of a whole run."""
    for program in EXAMPLES.glob("*.py"):
        shutil.copy(program, tmp_path)
    monkeypatch.chdir(tmp_path)
    cells = json.loads((EXAMPLES / f"{name}.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names: dict[str, object] = {}
    for cell in code:
        exec(compile(cell.replace("EPOCHS = ", "EPOCHS = 1  # instead of "), name, "exec"), names)
    assert capsys.readouterr().out
    assert all(cell["outputs"] for cell in cells if cell["cell_type"] == "code" and "print" in "".join(cell["source"]))
