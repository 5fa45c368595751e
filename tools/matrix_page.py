"""Writes the table of models and runtimes in docs/import.md."""

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
    """Returns the table in Markdown, with a footnote for each reason.

    Args:
        results: for each model and target `{"difference": ..., "runtime": ...}`, `{"reason": ...}` if the target can't
            load the model, or `{}` if nothing was run. A `note` next to a difference names a limitation.
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
            "Each cell is the greatest difference between an output in this runtime and the output in Keras, at batch",
            "sizes 1 and 7. All models have their default hyperparameters and random weights (Keras "
            f"{version('keras')}, TensorFlow {version('tensorflow')}).",
            f"The runtimes are {', '.join(runtimes)}.",
            "TensorFlow Serving loads the same SavedModel as the embedded server. DL4J was not run. Its column has the",
            "verdict of `gallery doctor` on the `.h5` file, from the rules in DL4J's documentation and source code.",
            "`python -m tools.matrix` measures and writes this table; it takes about a minute for each model.",
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
    """Returns a difference with one digit, such as 2e-7; 0 for no difference."""
    if not difference:
        return "0"
    digit, _, exponent = f"{difference:.0e}".partition("e")
    return f"{digit}e{int(exponent)}"
