"""Uses the vectors of categories that `entity_embedding` has learnt as the inputs of another model.

    python examples/entity_vectors.py [--seeds 3] [--epochs 120]

The model `entity_embedding` learns a vector for each month and each year from the temperature of the sea (`el_nino`).
The program then trains scikit-learn's gradient boosting and k nearest neighbours with three kinds of inputs: these
vectors, one-hot vectors, and the numbers of the categories in the order of the vocabulary. It prints the root mean
squared error (RMSE) on the test examples: the mean and the standard deviation over the seeds. All models are fitted to
the same examples. The vectors were learnt from these examples only, without the validation split and the test examples.

Source: lecture notes 004, "Embeddings"; Guo and Berkhahn 2016, arXiv:1604.06737, table IV.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from statistics import fmean, stdev
from typing import Any

import numpy as np
from keras_gallery.training.data.dataset import Dataset, hold_out, load
from keras_gallery.training.tasks.regression import rmse
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import OneHotEncoder

import keras_gallery as kg

REGRESSORS: dict[str, Callable[[int], Any]] = {
    "gradient boosting": lambda seed: GradientBoostingRegressor(n_estimators=300, max_depth=4, random_state=seed),
    "5 nearest neighbours": lambda seed: KNeighborsRegressor(5, weights="distance"),
}


def vectors(model: Any, ids: np.ndarray) -> np.ndarray:
    """Returns the vectors of the categories in each row of ids `(n, fields)`, side by side: `(n, sum of dims)`."""
    tables = [model.get_layer(f"field_{number}").get_weights()[0] for number in range(1, ids.shape[1] + 1)]
    return np.concatenate([table[column] for table, column in zip(tables, ids.T, strict=True)], axis=1)


def compare(model: Any, dataset: Dataset, seed: int) -> dict[str, dict[str, float]]:
    """Returns the test RMSE of each regressor, by the kind of its inputs.

    Args:
        model: a trained `entity_embedding`.
        dataset: the dataset that it was trained on.
        seed: the seed of its training, which also determines the validation split.
    """
    training, _ = hold_out(dataset, seed)
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(training.x)
    kinds: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "entity vectors": lambda ids: vectors(model, ids),
        "one-hot": one_hot.transform,
        "ordinals": lambda ids: ids,
    }
    return {
        name: {
            kind: rmse(
                dataset.y_test[:, 0], regressor(seed).fit(of(training.x), training.y[:, 0]).predict(of(dataset.x_test))
            )
            for kind, of in kinds.items()
        }
        for name, regressor in REGRESSORS.items()
    }


def main(seeds: int = 3, epochs: int | None = None) -> dict[str, dict[str, list[float]]]:
    dataset = load("el_nino")
    found: dict[str, dict[str, list[float]]] = {}
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as runs:
            run = kg.train("entity_embedding", epochs=epochs, seed=seed, runs=runs)
            found.setdefault("entity_embedding itself", {}).setdefault("categories", []).append(run.metrics["rmse"])
            for name, errors in compare(run.model, dataset, seed).items():
                for kind, error in errors.items():
                    found.setdefault(name, {}).setdefault(kind, []).append(error)
    for name, kinds in found.items():
        for kind, errors in kinds.items():
            spread = f" ± {stdev(errors):.3f}" if len(errors) > 1 else ""
            print(f"{name:24} {kind:16} RMSE {fmean(errors):.3f}{spread}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="number of trainings (default: 3)")
    parser.add_argument("--epochs", type=int, help="epochs of each training (default: the recipe's)")
    main(**vars(parser.parse_args()))
