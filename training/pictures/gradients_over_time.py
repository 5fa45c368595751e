"""Draws the gradients of recurrent networks over time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..figures.gradients_over_time import RATE, STEPS
from . import plots


def draw(folder: Path, title: str, figures: dict[str, Any]) -> None:
    """Draws `gradient_norms.png` and `clipping.png` from the results of `figures.gradients_over_time.measure`.

    Draws nothing if the results are empty.
    """
    if "memory" not in figures:
        return
    curves = figures["memory"]
    steps = range(1, len(next(iter(curves.values()))) + 1)
    plots.lines(
        folder / "gradient_norms.png", title, steps, curves, "step t", "norm of the output's gradient by s_t", log=True
    )
    norms = {name: [*values, *[np.nan] * (STEPS - len(values))] for name, values in figures["clipping"].items()}
    heading = f"{title}: gradient descent, rate {RATE:g}"
    plots.lines(
        folder / "clipping.png", heading, range(1, STEPS + 1), norms, "step of the training", "gradient norm", log=True
    )


def draw_all(folder: Path, results: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Draws `memory_before.png` and `memory_after.png`: the gradients over time before and after training.

    Each picture has a curve for each recipe in `results.json` that has these gradients.
    """
    memories = {
        f"{model}/{recipe}": next(iter(row["seeds"].values())).get("memory")
        for model, recipes in sorted(results.items())
        for recipe, row in sorted(recipes.items())
    }
    memories = {name: memory for name, memory in memories.items() if memory}
    for when in ("before", "after") if memories else ():
        curves = {name: memory[f"{when} training"] for name, memory in memories.items()}
        steps = range(1, len(next(iter(curves.values()))) + 1)
        folder.mkdir(parents=True, exist_ok=True)
        plots.lines(
            folder / f"memory_{when}.png",
            f"The adding problem, {when} training",
            steps,
            curves,
            "step t",
            "norm of the output's gradient by s_t",
            log=True,
        )
