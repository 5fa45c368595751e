"""A model's file, judged without running any of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import FailedPrecondition
from ..importer.reading import kinds
from . import graphs
from .judge import examine
from .layers import Layer, layers_of
from .verdict import Verdict

_FORM = "batch_input_shape is batch_shape"  # which Keras 3 reads
_OLD = ("keras2", "tfjs_layers", "dl4j")  # read what Keras 2 writes
_MAKER = "make the model without it in the program that it is of"
_IMPORT = "gallery import takes the file with that change, and gallery export NAME --to keras writes it for Keras 3"


def examine_file(path: Path) -> tuple[str, list[Verdict]]:
    """What the file or folder is, and what each target says to it.

    Raises:
        ServingError: there is none, it is no model or is damaged, or there are no layers to judge by.
    """
    from ..importer.keras2.repair import repair
    from ..importer.reading.config import read

    kind = kinds.recognise(path)
    if kind in graphs.READERS:
        return f"{path}: {kinds.NAMES[kind]}", graphs.examine_graph(kind, path)
    config, version = read(path)
    given = layers_of(config)
    is_old = version.startswith("2") or kind == "tfjs_layers"
    stopped: dict[str, Verdict] = {}
    try:
        config, changes = repair(config)
        if is_old and (reasons := [each for each in changes if _FORM not in each] or _unread(given)):
            stopped["keras"] = Verdict("keras", False, "", f"of Keras 2, {reasons[0]}", _IMPORT, len(reasons) - 1)
    except FailedPrecondition as error:  # nothing in Keras 3 takes its place: there is still Keras 2
        reason = str(error).rpartition("Received: ")[2]
        verdict = Verdict("", False, "", f"Keras 3 does not have it: {reason}", _MAKER)
        stopped = {each.target: replace(verdict, target=each.target) for each in examine(config)}
        stopped = {target: each for target, each in stopped.items() if target not in _OLD}
    if version.startswith("2"):
        stopped["keras2"] = Verdict("keras2", True)  # which wrote it
    if kind == "tfjs_layers":
        stopped["tfjs_layers"] = Verdict("tfjs_layers", True)
    what = f"{path}: {kinds.NAMES[kind]}{f' of Keras {version}' if version else ''}"
    return what, [stopped.get(each.target, each) for each in examine(config)]


def _unread(layers: Sequence[Layer]) -> list[str]:
    """What Keras 3 does not read of Keras 2, without a change to the configuration (tried with Keras 3.15)."""
    found = [f"a model in a model, {layer.name}" for layer in layers if layer.options.get("nested")]
    found += [f"a layer in a layer, {layer.name}" for layer in layers if "of" in layer.options]
    # Keras 2 wrote groups=1 for all convolutions.
    found += [f"{each.name} (DepthwiseConv2D) has groups" for each in layers if _has_groups(each)]
    return found + [
        f"the dtype policy {layer.options['dtype']}"
        for layer in layers
        if str(layer.options.get("dtype")).startswith("mixed")
    ]


def _has_groups(layer: Layer) -> bool:
    return layer.kind == "DepthwiseConv2D" and "groups" in layer.options
