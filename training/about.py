"""What a version's card says about the run that it comes from."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..models import describe
from .figures import words
from .pictures.captions import CAPTIONS
from .runs import Run

MAX_PICTURES = 12
MAX_BYTES = 2 << 20  # of all pictures


def about(run: Run, *, pictures: bool = True) -> dict[str, Any]:
    """Returns what is known about a run, as JSON.

    Args:
        run: the run.
        pictures: whether to add the pictures of the run, and examples of its inputs. Both can show test examples.

    Returns:
        `summary`, `formula` and `source` of the architecture; `data`: the name of the dataset; `figures`: the metrics
        in words, each with its `value` and `yardsticks` (pairs of a simple method and its value); `pictures`: each with
        `title` and `png` (base64); `inputs`: examples of the inputs, see `example_inputs`.
    """
    info = describe(str(run.config["model"]))
    task = str(run.config["task"])
    return {
        "summary": info.summary,
        "formula": info.formula,
        "source": info.source,
        "data": str(run.config["dataset"]),
        "figures": [
            {"words": each.words, "value": each.value, "yardsticks": each.yardsticks}
            for each in words.in_words(task, run.metrics)
        ],
        "pictures": list(_pictures(run.folder / "pictures")) if pictures else [],
        "inputs": run.inputs if pictures else {},
    }


def _pictures(folder: Path) -> Iterator[dict[str, str]]:
    """Yields the pictures of a run in the order of their names, as far as they fit."""
    left = MAX_BYTES
    for file in sorted(folder.glob("*.png"))[:MAX_PICTURES]:
        if (size := file.stat().st_size) <= left:
            left -= size
            title = CAPTIONS.get(file.stem, file.stem.replace("_", " "))
            yield {"title": title, "png": base64.b64encode(file.read_bytes()).decode()}
