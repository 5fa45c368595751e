"""Trains recipes again, and compares the metrics with the stored results."""

from __future__ import annotations

import math
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UnknownRecipe
from ..settings import TrainConfig
from ..train import train
from .measure import RecipeName, load_results
from .tables import TABLES

CONFIDENCE = 0.99
LEAST_SHARE = 0.02  # of the stored mean: other processors add numbers in another order
SHARE_OF_ONE_SEED = 0.1
NOT_COMPARED = ("seconds", "gensim_seconds", "gensim_parallel_seconds")


class Compared(NamedTuple):
    """A metric of the new run, and the interval from `low` to `high` in which it should be."""

    metric: str
    value: float
    low: float
    high: float

    @property
    def is_inside(self) -> bool:
        return self.low <= self.value <= self.high


def check(
    recipes: Sequence[RecipeName], docs: str | Path = "docs", report: Callable[[str], None] = print
) -> list[RecipeName]:
    """Trains each recipe with the first seed of its stored results, and reports each metric.

    The runs are not kept.

    Args:
        recipes: the recipes.
        docs: folder of `results.json`.
        report: called with a line of text for each metric.

    Returns:
        The recipes of which a metric is outside of its interval.

    Raises:
        UnknownRecipe: a recipe has no stored results.
        GalleryError: `train` raises this error, or `results.json` cannot be read.
    """
    known, failed = load_results(Path(docs)), []
    rows = {each: _seeds(known, each) for each in recipes}
    for each, seeds in rows.items():
        with tempfile.TemporaryDirectory() as folder:
            run = train(TrainConfig(each.model, each.recipe, seed=int(next(iter(seeds))), root=folder))
        if run.interrupted:
            raise KeyboardInterrupt
        found = list(compare(run.metrics, list(seeds.values())))
        for one in found:
            place = "inside" if one.is_inside else "OUTSIDE"
            report(
                f"{each.model}/{each.recipe}: {one.metric} {one.value:.4g} is {place} {one.low:.4g} to {one.high:.4g}"
            )
        if not all(one.is_inside for one in found):
            failed.append(each)
    return failed


def compare(metrics: Mapping[str, float], seeds: Sequence[Mapping[str, Any]]) -> Iterator[Compared]:
    """Yields the metrics of the tables that a run and all stored seeds have.

    The interval is the prediction interval of one more run, if the metrics have a normal distribution:
    mean ± t s √(1 + 1/n) for n seeds with the standard deviation s. It is at least `LEAST_SHARE` of the mean on either
    side. With one seed, it is `SHARE_OF_ONE_SEED` of the metric.

    Args:
        metrics: the metrics of the run.
        seeds: the stored metrics of each seed.
    """
    from scipy.stats import t  # takes a second to import

    names = dict.fromkeys(column.figure for table in TABLES for column in table.columns)
    for name in names:
        values = [seed[name] for seed in seeds if name in seed]
        if name in NOT_COMPARED or name not in metrics or len(values) < len(seeds):
            continue
        mean, n = statistics.fmean(values), len(values)
        margin = SHARE_OF_ONE_SEED * abs(mean)
        if n > 1:
            factor = float(t.ppf((1 + CONFIDENCE) / 2, n - 1)) * math.sqrt(1 + 1 / n)
            margin = max(factor * statistics.stdev(values), LEAST_SHARE * abs(mean))
        yield Compared(name, metrics[name], mean - margin, mean + margin)


def _seeds(known: Mapping[str, Any], recipe: RecipeName) -> dict[str, Any]:
    try:
        return dict(known[recipe.model][recipe.recipe]["seeds"])
    except KeyError:
        raise UnknownRecipe(f"{recipe.model}/{recipe.recipe} has no stored results to compare with.") from None
