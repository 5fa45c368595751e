"""The tolerance of the comparisons of an import, which depends on the precision of the numbers in the file.

Two runtimes add numbers in another order, and keep intermediate results in another precision. With float16, the results
therefore differ in the third digit.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

TOLERANCE = 1e-4  # float32
FLOAT16, BFLOAT16, QUANTIZED = "float16", "bfloat16", "quantized to 8 bits"
# Measured with trained networks of 3 to 52 convolutions: docs/import.md has the differences of right and wrong imports.
TOLERANCES = {FLOAT16: 8e-2, BFLOAT16: 8e-2, QUANTIZED: 2e-2}
FILE = "tolerance"  # the file with the tolerance, in the folder of the reference responses
_TYPES = {19: FLOAT16, 14: BFLOAT16}  # DT_HALF and DT_BFLOAT16


def tolerance_of(precisions: Iterable[str]) -> float:
    """Returns the largest tolerance of several precisions. Ignores precisions that have no entry in `TOLERANCES`."""
    return max((TOLERANCES.get(each, TOLERANCE) for each in precisions), default=TOLERANCE)


def of_model(model: Any) -> float:
    """Returns the tolerance for a Keras model."""
    return tolerance_of(str(layer.compute_dtype) for layer in model._flatten_layers())


def of_graph(meta_graph: Any) -> float:
    """Returns the tolerance for the graph of a SavedModel."""
    graph = meta_graph.graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    types = {value.type for node in nodes for value in node.attr.values()}
    return tolerance_of(precision for number, precision in _TYPES.items() if number in types)


def write(folder: Path, tolerance: float) -> None:
    """Writes a tolerance to the folder of the reference responses."""
    (folder / FILE).write_text(repr(tolerance))


def read(folder: Path) -> float:
    """Reads the tolerance in the folder of the reference responses. Returns `TOLERANCE` if there is none."""
    try:
        return float((folder / FILE).read_text())
    except (OSError, ValueError):
        return TOLERANCE
