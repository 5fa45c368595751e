"""`gallery evaluate RUN` computes the metrics of a trained model on other data."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from .. import api
from ..models.errors import GalleryError
from ..serving.printable import printable
from .command import Command
from .figures import plain_lines
from .progress import progress


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument(
        "run", metavar="RUN", help="the folder of a run, or the name of an architecture for its newest run"
    )
    parser.add_argument(
        "--data", metavar="PATH", help="other data, in the form of the training data (default: the run's test examples)"
    )
    parser.add_argument(
        "--anomalies", action="store_true", help="autoencoders: the data are anomalies; say how many are found"
    )
    parser.add_argument(
        "--beam", type=int, metavar="N", help="models that generate texts: also measure a beam search, N from 1 to 16"
    )
    parser.add_argument(
        "--time", metavar="COLUMN", help="series: the column of the times (default: that of the training data)"
    )
    parser.add_argument("--strict", action="store_true", help="pictures: stop at a broken picture")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write metrics.json and pictures to this folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--runs", default="runs", help="folder of all runs (default: runs)")


def _run(values: argparse.Namespace) -> int:
    if values.output is not None and values.output.exists() and not values.output.is_dir():
        raise GalleryError(f"Expected a folder for --output. Received the file {values.output}.")
    if values.anomalies and values.data is None:
        raise GalleryError("The option --anomalies needs --data.")
    if values.time is not None and values.data is None:
        raise GalleryError("The option --time needs --data.")
    evaluation = api.evaluate(
        values.run,
        values.data,
        anomalies=values.anomalies,
        beam=values.beam,
        time=values.time,
        strict=values.strict,
        runs=values.runs,
        progress=progress,
    )
    if values.output is not None:
        progress("Drawing the pictures")
        evaluation.save(values.output)
    if values.json:
        print(json.dumps(evaluation.to_json()))
        return 0
    folder = evaluation.run.folder
    print(printable(f"{folder} on {evaluation.examples:,} examples of {evaluation.data}"))
    lines = [*evaluation.lines(), *plain_lines(evaluation.others())]
    print("\n".join(map(printable, lines)))
    if values.output is not None:
        print(printable(f"Written to {values.output}"))
    return 0


COMMAND = Command(
    "measure a trained model on other data",
    "Computes the metrics of a trained model on other data, beside the metrics of simple methods such as PCA, a linear "
    "regression, or always the most frequent class. The data are read exactly as the training data: the same columns, "
    "categories, classes, tokens and sizes. Without --data, the metrics are computed again on the test examples of the "
    "run. With --anomalies, says which share of the examples an autoencoder finds.",
    [
        "gallery evaluate mlp_classifier",
        "gallery evaluate mlp_classifier --data new_wines.csv --output results",
        "gallery evaluate runs/denoising_autoencoder/001 --data broken_parts/ --anomalies",
    ],
    _configure,
    _run,
)
