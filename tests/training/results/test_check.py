"""Tests the comparison of a new training with stored results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from keras_gallery.training import Recipe
from keras_gallery.training.errors import UnknownRecipe
from keras_gallery.training.recipes import thin_network as recipes
from keras_gallery.training.results.check import check, compare
from keras_gallery.training.results.measure import RecipeName

QUICK = Recipe(
    task="regress",
    dataset="diabetes",
    loss="squared_error",
    learning_rate=0.01,
    epochs=2,
    batch_size=64,
    hyperparameters={"depth": 2},
    xla=False,
)


def test_the_interval_has_one_more_seed_with_the_probability_of_its_name() -> None:
    """The share of normal samples inside of the interval of three others is 99 %, as the name says."""
    rng = np.random.default_rng(0)
    inside = [
        next(compare({"mse": new}, [{"mse": each} for each in three])).is_inside
        for new, *three in rng.normal(1.0, 0.5, (4_000, 4)).tolist()
    ]
    assert abs(np.mean(inside) - 0.99) < 0.006


def test_a_single_seed_and_equal_seeds_have_an_interval() -> None:
    (one,) = compare({"mse": 1.09, "seconds": 3.0}, [{"mse": 1.0, "seconds": 90.0}])
    assert one.is_inside and (one.low, one.high) == pytest.approx((0.9, 1.1))
    (equal,) = compare({"mse": 1.0}, [{"mse": -1.0}] * 3)
    assert not equal.is_inside and (equal.low, equal.high) == pytest.approx((-1.02, -0.98))


def test_metrics_that_not_all_seeds_have_are_not_compared() -> None:
    assert not list(compare({"mse": 1.0, "rmse": 1.0}, [{"mse": 1.0}, {"rmse": 1.0}]))


def test_a_recipe_is_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "RECIPES", {"quick": QUICK})
    monkeypatch.chdir(tmp_path)
    (name,), lines = RecipeName.parse("thin_network/quick"), []
    stored = {"rmse": 0.0, "mean_rmse": 0.0}
    (tmp_path / "docs").mkdir()
    file = tmp_path / "docs" / "results.json"

    def write() -> None:
        file.write_text(json.dumps({"thin_network": {"quick": {"seeds": {"1": stored}}}}))

    write()
    assert check([name], report=lines.append) == [name]
    stored |= {line.split()[1]: float(line.split()[2]) for line in lines}
    write()
    before = file.read_bytes()
    assert check([name], report=lines.append) == []
    assert [line.split()[4] for line in lines] == ["OUTSIDE", "OUTSIDE", "inside", "inside"]
    assert file.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == ["docs"]


def test_a_recipe_without_results(tmp_path: Path) -> None:
    (name,) = RecipeName.parse("thin_network/diabetes")
    with pytest.raises(UnknownRecipe, match="thin_network/diabetes has no stored results"):
        check([name], tmp_path)
