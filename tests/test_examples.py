"""Runs the programs and the notebooks in examples/."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path

import numpy as np
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
def test_two_paths_lead_from_the_kernel_to_the_loss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The formulas of the gradients are those of lecture notes 001: W b xᵀ and W x bᵀ, where b = WᵀWx − x."""
    import numpy as np
    from PIL import Image

    found = runpy.run_path(str(EXAMPLES / "computational_graph.py"))["main"](tmp_path / "graph.png")
    w, x = found["w"], found["x"]
    b = w.T @ w @ x - x
    np.testing.assert_allclose(found["encoder"], w @ b @ x.T, rtol=1e-12)
    np.testing.assert_allclose(found["decoder"], w @ x @ b.T, rtol=1e-12)
    np.testing.assert_allclose(found["both"], found["encoder"] + found["decoder"], rtol=1e-12)
    end = "matrix product → − → square → sum → · ½"
    *lines, last = capsys.readouterr().out.splitlines()
    assert sorted(lines) == [f"W → matrix product → {end}", f"W → transpose → {end}"]
    assert float(last.rpartition(" ")[2]) < 1e-12
    with Image.open(tmp_path / "graph.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    for colour in ((0xBD, 0x1F, 0x01), (0x3F, 0x90, 0xDA)):  # a path each
        assert (pixels == colour).all(axis=-1).sum() > 500


@pytest.mark.models
def test_entity_vectors_are_inputs_of_another_model() -> None:
    """The target depends on two groups of categories. Vectors that say the group suffice for an exact prediction."""
    from keras_gallery.models import create
    from keras_gallery.training.data.dataset import Dataset

    example = runpy.run_path(str(EXAMPLES / "entity_vectors.py"))
    ids = np.stack(np.meshgrid(np.arange(2, 12), np.arange(2, 7)), axis=-1).reshape(-1, 2).astype(np.int32)
    group = ids % 2  # neighbouring ids are in different groups
    target = (3 * group[:, :1] + group[:, 1:]).astype(np.float32)
    model = create("entity_embedding", categories=(12, 7), dims=(2, 1), hidden=(1,))
    for number, size in ((1, 12), (2, 7)):
        table = model.get_layer(f"field_{number}")
        table.set_weights([np.tile(np.arange(size)[:, None] % 2, (1, table.output_dim))])
    np.testing.assert_array_equal(example["vectors"](model, ids), group[:, [0, 0, 1]])
    order = np.random.default_rng(0).permutation(len(ids))
    train, test = order[10:], order[:10]
    found = example["compare"](model, Dataset("mine", ids[train], target[train], ids[test], target[test], ""), 0)
    assert found.keys() == {"gradient boosting", "5 nearest neighbours"}
    for errors in found.values():
        assert errors["entity vectors"] < 1e-3 and errors.keys() == {"entity vectors", "one-hot", "ordinals"}
        # No pair is in the data twice. Without the groups, the nearest training examples have other targets.
        assert min(errors["one-hot"], errors["ordinals"]) > 0.1


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
