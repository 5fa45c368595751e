"""The table of docs/import.md."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

DOCS = "import.md"
BEGIN, END = "<!-- matrix: begin -->", "<!-- matrix: end -->"
HEADINGS = {
    "embedded": "SavedModel",
    "keras": "`.keras`",
    "h5": "`.h5`",
    "tfjs": "TensorFlow.js",
    "onnx": "ONNX",
    "openvino": "OpenVINO",
    "dl4j": "DL4J (not run)",
}


def table(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The table in Markdown, with a footnote for each reason.

    Args:
        results: for each architecture and target `{"difference": ..., "runtime": ...}`, `{"reason": ...}`, or `{}`
            where nothing was run. A `note` beside a difference says in what the target falls short.
    """
    notes: dict[str, int] = {}
    lines = [f"| model | {' | '.join(HEADINGS.values())} |", "|---|" + "---|" * len(HEADINGS)]
    for name, found in sorted(results.items()):
        cells = [_cell(found.get(target), notes) for target in HEADINGS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    footnotes = [f"{number}. {reason}" for reason, number in notes.items()]
    told = {each["runtime"] for found in results.values() for each in found.values() if "runtime" in each}
    runtimes = sorted({part for each in told for part in each.split(" and ")})
    return "\n".join(
        [
            "The greatest difference between an answer there and one here, at batch 1 and 7, of every model with its",
            f"defaults and random weights (Keras {version('keras')}, TensorFlow {version('tensorflow')}), asked in "
            f"{', '.join(runtimes)}.",
            "The SavedModel is what TensorFlow Serving takes, too. DL4J was not run: its column is what",
            "`gallery doctor` says of the `.h5` file, by DL4J's documentation and source. Written by",
            "`python -m tools.matrix`, which takes about a minute a model.",
            "",
            *lines,
            "",
            *footnotes,
        ]
    )


def _cell(result: Mapping[str, Any] | None, notes: dict[str, int]) -> str:
    if result is None:
        return ""
    if reason := result.get("reason"):
        return f"no [{notes.setdefault(reason, len(notes) + 1)}]"
    told = number(result["difference"]) if "difference" in result else "yes"
    return f"{told} [{notes.setdefault(note, len(notes) + 1)}]" if (note := result.get("note")) else told


def number(difference: float) -> str:
    """2e-7; 0 where there is none."""
    if not difference:
        return "0"
    digit, _, exponent = f"{difference:.0e}".partition("e")
    return f"{digit}e{int(exponent)}"
