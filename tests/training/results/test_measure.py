"""Tests of the results: training of recipes, reuse of runs, storage of figures, and the page of results."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import keras
import pytest
from keras_gallery.models import describe, list_models
from keras_gallery.models.errors import UnknownModel
from keras_gallery.training import Recipe, Run, Target, load_recipes
from keras_gallery.training.errors import BadFolder, UnknownRecipe
from keras_gallery.training.recipes import denoising_autoencoder as recipes
from keras_gallery.training.results.measure import (
    RecipeName,
    all_recipes,
    draw_gradient_norms,
    draw_moved,
    finished_run,
    load_results,
    results,
)
from keras_gallery.training.results.page import page, same_code
from keras_gallery.training.tasks.reconstruction import Reconstruction
from matplotlib.image import imread

pytestmark = pytest.mark.usefixtures("few_images")
DOCS = Path(__file__).parents[3] / "docs"
QUICK = Recipe(
    task="denoise",
    dataset="digits",
    loss="squared_error",
    learning_rate=0.01,
    epochs=1,
    batch_size=64,
    hyperparameters={"network": "dense", "code_dim": 8},
    targets=(Target("mse", 1.0, "a book"), Target("probe", 2.0, "another", at_least=True)),
)


def test_recipe_is_trained_measured_and_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "RECIPES", {"digits": QUICK, "digits_more": QUICK})
    names, messages = RecipeName.parse("denoising_autoencoder/digits"), []
    page_file = results(names, (0, 1), tmp_path / "docs", tmp_path / "runs", messages.append)
    assert [line for line in messages if line.startswith("[")] == [
        "[1/1] denoising_autoencoder/digits, seed 0",
        "[1/1] denoising_autoencoder/digits, seed 1",
    ]
    known = load_results(tmp_path / "docs")
    row = known["denoising_autoencoder"]["digits"]
    assert row["command"] == "gallery train denoising_autoencoder --recipe digits"
    assert row["parameters"] == 64 * 8 + 8 + 8 * 64 + 64
    assert row["versions"]["0"]["keras"] == keras.version()
    assert same_code("denoising_autoencoder", "digits", row) == "yes"
    for of_seed, said in (({}, "not recorded"), ({"1": "0" * 16}, "no")):
        assert same_code("denoising_autoencoder", "digits", row | {"fingerprints": of_seed}) == said
    first, second = row["seeds"]["0"], row["seeds"]["1"]
    assert first["mse"] != second["mse"]
    assert 0.1 < first["probe"] < 1 and 0.1 < first["pca_knn"] <= 1
    sweep = first["sweep"]["gaussian"]["psnr"]
    assert sweep["identity"] == sorted(sweep["identity"], reverse=True)
    assert set(sweep) == {"identity", "median filter", "PCA", "this model"}
    pictures = {path.name for path in (tmp_path / "docs/pictures/denoising_autoencoder/digits").iterdir()}
    assert {"learning_curve.png", "denoised.png", "codes.png", "hidden_units.png", "psnr_gaussian.png"} <= pictures

    text = page_file.read_text(encoding="utf-8")
    mean = (first["mse"] + second["mse"]) / 2
    assert f"| denoising_autoencoder/digits | mse | {mean:.4f} ± " in text and "| 1 | a book | met |" in text
    assert "| another | missed by " in text

    # The second call trains nothing.
    results(names, (0, 1), tmp_path / "docs", tmp_path / "runs", messages.append)
    assert len(list((tmp_path / "runs/denoising_autoencoder").iterdir())) == 2
    assert load_results(tmp_path / "docs") == known

    # A run with pre-trained vectors is not a run of the recipe.
    config = tmp_path / "runs/denoising_autoencoder/001/config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"vectors": {"name": "glove.txt"}}))
    assert [finished_run(names[0], seed, tmp_path / "runs") is None for seed in (0, 1)] == [True, False]


def test_interrupted_training_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "RECIPES", {"digits": replace(QUICK, epochs=50)})

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            if epoch == 1:
                raise KeyboardInterrupt  # as Ctrl-C does

    monkeypatch.setattr(Reconstruction, "callbacks", lambda task, model: [Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        results(RecipeName.parse("denoising_autoencoder"), (0,), tmp_path / "docs", tmp_path / "runs")
    assert load_results(tmp_path / "docs") == {}
    (run,) = (tmp_path / "runs/denoising_autoencoder").glob("[0-9]*")  # it has the best weights so far
    assert Run.load(run).interrupted


def test_parsing_of_recipe_names() -> None:
    assert RecipeName.parse("dense_autoencoder/mnist_5k_relu") == [RecipeName("dense_autoencoder", "mnist_5k_relu")]
    assert [each.recipe for each in RecipeName.parse("dense_autoencoder")] == list(load_recipes("dense_autoencoder"))
    assert {each.model for each in all_recipes()} == set(list_models())
    with pytest.raises(UnknownRecipe):
        RecipeName.parse("linear_autoencoder/mnis")
    with pytest.raises(UnknownModel):
        RecipeName.parse("linear/mnist")


def test_damaged_results_are_reported_and_kept(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(BadFolder, match="Cannot read the results in .*results.json"):
        results([], docs=tmp_path)
    assert (tmp_path / "results.json").read_text() == "{"


def test_results_page_matches_its_data() -> None:
    known = json.loads((DOCS / "results.json").read_text(encoding="utf-8"))
    assert (DOCS / "results.md").read_text(encoding="utf-8") == page(known)
    assert set(known) == set(list_models())
    for model, rows in known.items():
        assert set(rows) <= set(load_recipes(model))
        # The reviews of the default recipe of this model were not at hand.
        assert next(iter(load_recipes(model))) in rows or model == "sequence_to_vector"
        for recipe in rows:
            assert any((DOCS / "pictures" / model / recipe).glob("*.png"))


@pytest.mark.parametrize("family", sorted({describe(name).family for name in list_models()}))
def test_every_model_has_a_section_with_pictures(family: str) -> None:
    page = DOCS.parent / "models" / family / "README.md"
    sections = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    names = [name for name in list_models() if describe(name).family == family]
    assert sorted(section.partition("\n")[0] for section in sections) == names
    for section in sections:
        pictures = re.findall(r"!\[.+\]\((.+)\)", section)
        assert pictures, section
        assert all((page.parent / picture).is_file() for picture in pictures), section


def test_gradient_norms_and_moved_images_are_drawn(tmp_path: Path) -> None:
    norms = {"with": {"2": 1.0, "20": 0.5}, "without": {"2": 1.0, "20": 1e-6}}
    draw_gradient_norms(tmp_path / "norms.png", "title", norms)
    figures = {"accuracy": 0.9} | {f"moved_{pixels}": 0.9 - 0.1 * pixels for pixels in range(1, 9)}
    draw_moved(tmp_path / "none.png", {"convnet": {"mnist": {"seeds": {"0": figures}}}})
    draw_moved(tmp_path / "moved.png", {"convnet": {"mnist_5k": {"seeds": {"0": figures}}}})
    assert not (tmp_path / "none.png").exists()
    for name in ("norms", "moved"):
        assert imread(tmp_path / f"{name}.png").std() > 0.05
