"""Writes the page of results from `results.json`."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..figures.slow import LEVELS
from ..recipe import load_recipe, load_recipes
from .tables import TABLES

Rows = Sequence[Sequence[str]]

HEAD = """# Results

Written by `gallery results`; the figures behind it are in [results.json](results.json). All figures are of test
examples that no training and no choice of an epoch has seen. Figures with ± are mean and standard deviation over the
seeds, figures without it are of one seed. `mnist_5k` are 4,000 training and 1,000 test digits of MNIST. PCA is fitted
to the images that the model learnt from, and has a code of the same size.

    gallery results MODEL/RECIPE --seeds 0,1,2    trains and measures one recipe, and writes this page anew
    gallery results --all                         everything (hours); MNIST and Fashion-MNIST are fetched
"""


def page(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Returns the page for the contents of `results.json` (see `measure.py`)."""
    rows = [
        (model, recipe, found[recipe])
        for model, found in sorted(results.items())
        for recipe in load_recipes(model)
        if recipe in found
    ]
    parts = [HEAD, *_targets(rows), *_sections(rows), *_sweeps(rows), *_how(rows)]
    return "\n".join(parts)


def figure(row: Mapping[str, Any], name: str, form: str) -> str:
    """Returns mean ± standard deviation over the seeds, or "" if the recipe does not have this figure."""
    values = [seed[name] for seed in row["seeds"].values() if name in seed]
    if not values:
        return ""
    mean = format(statistics.fmean(values), form)
    return mean if len(values) == 1 else f"{mean} ± {format(statistics.stdev(values), form)}"


def _targets(rows: Sequence[Any]) -> Iterator[str]:
    yield "## Published figures\n"
    lines = []
    for model, recipe, row in rows:
        for target in load_recipe(model, recipe).targets:
            values = [seed[target.figure] for seed in row["seeds"].values()]
            missed = target.missed_by(statistics.fmean(values))
            lines.append(
                (
                    f"{model}/{recipe}",
                    target.figure,
                    figure(row, target.figure, ".4f"),
                    f"{target.value:g}",
                    target.source,
                    "met" if not missed else f"missed by {missed:.4f}",
                )
            )
    yield _table(("recipe", "figure", "ours", "published", "where", ""), lines)


def _sections(rows: Sequence[Any]) -> Iterator[str]:
    for table in TABLES:
        first = [column.figure for column in table.columns[:3]]
        own = [each for each in rows if all(figure(each[2], name, "") for name in first)]
        if not own:
            continue
        yield f"## {table.title}\n\n{table.text}\n"
        yield _table(
            ("recipe", *(column.heading for column in table.columns)),
            [
                (
                    f"{model}/{recipe}",
                    *(figure(row, c.figure, c.form) for c in table.columns),
                )
                for model, recipe, row in own
            ],
        )


def _sweeps(rows: Sequence[Any]) -> Iterator[str]:
    own = [(model, recipe, next(iter(row["seeds"].values()))) for model, recipe, row in rows]
    own = [(model, recipe, seed["sweep"]) for model, recipe, seed in own if "sweep" in seed]
    if not own:
        return
    yield (
        "## Noise removed\n\nPSNR in dB / SSIM of 1,000 test images, of the first seed, for Gaussian noise of "
        "standard deviation σ "
        "cut to [0, 1], and for a share of the values set to 0; beside the noisy image, a 3 × 3 median filter, and "
        "PCA.\n"
    )
    for model, recipe, sweep in own:
        for kind, found in sweep.items():
            yield f"### {model}/{recipe}, {'Gaussian noise, σ' if kind == 'gaussian' else 'values masked'}\n"
            yield _table(
                ("", *(f"{level:g}" for level in LEVELS)),
                [
                    (name, *(f"{p:.2f} / {s:.3f}" for p, s in zip(values, found["ssim"][name], strict=True)))
                    for name, values in found["psnr"].items()
                ],
            )


def _how(rows: Sequence[Any]) -> Iterator[str]:
    yield (
        "## Size, time, command\n\nSeconds of training on 2 CPU cores, which at times had other work too. "
        "`--seed` sets the seed; `KERAS_BACKEND` tells the backend that was used: dense networks learn faster on JAX, "
        "convolutions on TensorFlow, on these cores.\n"
    )
    yield _table(
        ("recipe", "parameters", "seconds", "seeds", "command"),
        [
            (
                f"{model}/{recipe}",
                f"{row['parameters']:,}",
                figure(row, "seconds", ".0f"),
                ", ".join(row["seeds"]),
                f"`{row['command']}`",
            )
            for model, recipe, row in rows
        ],
    )


def _table(headings: Sequence[str], rows: Rows) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
