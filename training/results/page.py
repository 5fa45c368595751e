"""Writes the results page: tables of the figures in `results.json` (a figure is a number)."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..fingerprint import code_of, fingerprint
from ..recipe import load_recipe, load_recipes
from .tables import TABLES

Rows = Sequence[Sequence[str]]

HEAD = """# Results

`gallery results` measures these results, stores them in [results.json](results.json) and writes this page. All results
are measured on test examples. Test examples are not used for training or for choosing the best epoch. However, some
settings of the recipes were chosen after such results were seen, so the results can be slightly too good. A result with
± is the mean and the standard deviation over several seeds. A result without ± is of one seed. `mnist_5k` has 4,000
training digits and 1,000 test digits of MNIST. PCA has a code of the same size as the model, and is fitted to the same
training images.

    gallery results MODEL/RECIPE --seeds 0,1,2   # trains and measures one recipe
    gallery results MODEL/RECIPE --check         # trains it again, and compares with the stored results
    gallery results --all                        # all recipes: takes hours, downloads datasets
"""


def page(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Returns the page, in Markdown, for the content of `results.json` (see `measure.py`)."""
    rows = [
        (model, recipe, found[recipe])
        for model, found in sorted(results.items())
        for recipe in load_recipes(model)
        if recipe in found
    ]
    parts = [HEAD, *_targets(rows), *_sections(rows), *_sweeps(rows), *_how(rows)]
    return "\n".join(parts)


def figure(row: Mapping[str, Any], name: str, form: str) -> str:
    """Returns a figure as mean ± standard deviation over the seeds; an empty text if it was not measured."""
    values = [seed[name] for seed in row["seeds"].values() if name in seed]
    if not values:
        return ""
    mean = format(statistics.fmean(values), form)
    return mean if len(values) == 1 else f"{mean} ± {format(statistics.stdev(values), form)}"


def same_code(model: str, recipe: str, row: Mapping[str, Any]) -> str:
    """Returns "yes" if the code of all seeds is today's code, "no" if it is not, or "not recorded"."""
    found = row.get("fingerprints", {})
    values = load_recipe(model, recipe)
    code = code_of(model, values.dataset)
    today = None if code is None else fingerprint(values, code)
    if any(found.get(seed, today) != today for seed in row["seeds"]):
        return "no"
    return "yes" if found.keys() >= row["seeds"].keys() else "not recorded"


def _targets(rows: Sequence[Any]) -> Iterator[str]:
    yield "## Published results\n"
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
    yield _table(("recipe", "metric", "measured", "published", "source", ""), lines)


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
    from ..figures.slow import LEVELS  # imports Keras; the documentation site uses this module without it

    yield (
        "## Denoising\n\nPSNR in dB / SSIM of 1,000 test images, for the first seed. Gaussian noise has the standard "
        "deviation σ, and the noisy values are clipped to [0, 1]. Masking noise sets a share of the values to 0. The "
        "models are compared with the noisy image itself (identity), a 3 × 3 median filter, and PCA.\n"
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
        "## Size, time and command\n\nThe time is the training time in seconds on 2 CPU cores. During some trainings, "
        "other programs used the cores, too. `--seed` sets the seed. `KERAS_BACKEND` is the backend of the training. "
        "On these cores, dense networks train faster on JAX, and convolutional networks train faster on TensorFlow. "
        "`same code` says whether the recipe and the code of the model and of the dataset are still those of the "
        "training.\n"
    )
    yield _table(
        ("recipe", "parameters", "seconds", "seeds", "same code", "command"),
        [
            (
                f"{model}/{recipe}",
                f"{row['parameters']:,}",
                figure(row, "seconds", ".0f"),
                ", ".join(row["seeds"]),
                same_code(model, recipe, row),
                f"`{row['command']}`",
            )
            for model, recipe, row in rows
        ],
    )


def _table(headings: Sequence[str], rows: Rows) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
