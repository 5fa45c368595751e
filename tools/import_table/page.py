"""Writes the page docs/imported.md from the results."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..matrix_page import number
from .cases import GROUPS, Case, cases
from .layers import EXCLUDED

NAMES = {"keras": "`.keras`", "h5": "`.h5`", "saved_model": "SavedModel"}
KINDS = ("difference", "refused", "wrong")

Results = Mapping[str, Mapping[str, Any]]
Rows = Sequence[tuple[Case, Mapping[str, Any]]]

_INTRO = """# Models that the import was tested with

`python -m tools.import_table` builds the models of this page with random weights, writes a file of each model, imports
the file, and serves the imported model. It then sends random inputs to the server and compares the outputs with those
of the Keras model, in batches of 1 and 5. A model counts as imported if all outputs are within 1e-4, as
[for every import](import.md#comparison-of-outputs).

- **layers**: all layers of Keras, each in a small model. Layers with several uses have several models.
- **applications**: the models of `keras.applications`, for small images and ten classes. For some of them, there is
  also a model with new last layers. Models with over 80 million parameters are only included with `--large`.
- **tutorials**: architectures of well-known tutorials, such as a U-Net, a vision transformer or a forecast with LSTMs.

Keras 2 (`tf_keras`) builds the same models if it has their layers. Some models also have a second file format.
The table leaves out files that Keras itself cannot write.
The program imports many files in one process, without the sandbox and the limits of `gallery import`.
`--real` imports each file as `gallery import` does. The estimated time for all files is an hour on two idle cores.
`--only PATTERN` runs a part, and `--missing` runs the files that were not tried yet, or not imported.
"""


def _versions(measured: int, listed: int) -> str:
    found = []
    for package, name in (("keras", "Keras"), ("tf_keras", "Keras 2 (tf_keras)"), ("tensorflow", "TensorFlow")):
        with contextlib.suppress(PackageNotFoundError):
            found.append(f"{name} {version(package)}")
    others = "" if measured == listed else " The others were not tried yet."
    return f"Results of {measured:,} of {listed:,} files.{others} The versions are {', '.join(found)}.\n"


def read(docs: Path) -> dict[str, dict[str, Any]]:
    """Reads the recorded results by key. Returns an empty dictionary if there are none."""
    file = docs / "imported.json"
    return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}


def page(results: Results) -> str:
    """Returns the page in Markdown."""
    listed = list(cases())
    rows = [(case, results[case.key]) for case in listed if case.key in results]
    sections = [_INTRO, _versions(len(rows), len(listed)), "\n".join(summary(rows)) + "\n"]
    for kind, title in (("wrong", "Imported, but with different outputs"), ("refused", "Refused or failed")):
        if reasons := "\n".join(_reasons(rows, kind)):
            sections.append(f"## {title}\n\n{reasons}\n")
    excluded = "\n".join(f"- `{name}`: {reason}" for name, reason in EXCLUDED.items())
    return "\n".join([*sections, f"## Classes that are not in the table\n\n{excluded}\n"])


def summary(rows: Rows) -> Iterator[str]:
    """Yields the lines of the table of counts: one line for each group, version of Keras, and file format."""
    yield "| models | file | files tried | imported | refused | wrong outputs | imported, % | largest difference |"
    yield "|---|---|---|---|---|---|---|---|"
    for group in GROUPS:
        for keras in (3, 2):
            for file_format, name in NAMES.items():
                found = [
                    (case, result)
                    for case, result in rows
                    if (case.group, case.keras, case.file_format) == (group, keras, file_format)
                ]
                yield from _counts(group, f"Keras {keras}, {name}", found)
    yield from _counts("all", "", rows)


def _counts(group: str, file: str, rows: Rows) -> Iterator[str]:
    counts = {kind: sum(kind in result for _, result in rows) for kind in KINDS}
    total = sum(counts.values())
    if total:
        # For random outputs, the difference is that of the means.
        largest = max((each.get("difference", 0.0) for case, each in rows if not case.random), default=0.0)
        share = 100 * counts["difference"] / total
        cells = [group, file, total, *counts.values(), f"{share:.1f}", number(largest)]
        yield f"| {' | '.join(map(str, cells))} |"


def _reasons(rows: Rows, kind: str) -> Iterator[str]:
    """Yields a line for each reason, with the models."""
    models: dict[str, dict[str, list[str]]] = {}
    for case, result in rows:
        if kind in result:
            text = result[kind]
            files = models.setdefault(text, {}).setdefault(case.name, [])
            files.append(f"Keras {case.keras} {NAMES[case.file_format]}")
    for reason, found in models.items():
        listed = "; ".join(f"`{name}` ({', '.join(files)})" for name, files in found.items())
        yield f"- {_plain(reason)}\n  Models: {listed}"


def _plain(text: str) -> str:
    """Escapes the characters that Markdown would interpret."""
    for each in "\\`*_<>[]|":
        text = text.replace(each, f"\\{each}")
    return text
