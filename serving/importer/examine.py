"""Examines a model file without running the model, for `gallery doctor` and for `gallery import`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ..doctor import graphs
from ..doctor.judge import examine, obstacle
from ..doctor.layers import Layer, layers_of
from ..doctor.verdict import TARGETS, Verdict
from ..errors import FailedPrecondition, ServingError
from .keras2 import allowed
from .keras2.report import NoEquivalent
from .reading import kinds

_HARMLESS = "batch_input_shape renamed"  # Keras 3 makes this change itself
_READ_KERAS_2 = ("keras2", "tfjs_layers", "dl4j")  # targets that read files of Keras 2
_SERVED = ("tensorflow_serving", "embedded")  # targets of gallery import
_INSTALL = "pip install tf_keras: gallery import then exports the model as a SavedModel with Keras 2"
_SOURCE = "replace the layer in the program that created the model"
_IMPORT = "run gallery import, which makes this change, and then gallery export NAME --to keras"


def examine_file(path: Path, given: Collection[str] = ()) -> tuple[str, list[Verdict]]:
    """Returns a description of a model file or folder, and a verdict for each target.

    Args:
        path: the file or folder.
        given: names of the user's own classes and functions that the import can load.

    Raises:
        ServingError: the file does not exist, is damaged or unsafe, or has no known format. Or the file is an ONNX
            file, and the package onnx is not installed.
    """
    from .keras2.repair import repair
    from .reading.config import read

    file_format = kinds.recognise(path)
    if file_format in graphs.READERS:
        return f"{path}: {kinds.NAMES[file_format]}", graphs.examine_graph(file_format, path)
    config, version = read(path)
    layers = layers_of(config)
    is_keras2 = version.startswith("2") or file_format == "tfjs_layers"
    special: dict[str, Verdict] = {}  # target → verdict that replaces the verdict of `examine`
    try:
        config, changes = repair(config)
        needed = [f"this file of Keras 2 needs a change: {each}" for each in changes if _HARMLESS not in each]
        if is_keras2 and (reasons := needed or _unreadable(layers)):
            special["keras"] = Verdict("keras", False, "", reasons[0], _IMPORT, len(reasons) - 1)
    except FailedPrecondition as error:  # no equivalent in Keras 3
        special = _without_equivalent(config, file_format, error)
    # Keras 2 can read its own files, and TensorFlow.js can read its own layers models. The results of `examine` and
    # `repair` do not matter here.
    if version.startswith("2") and "keras2" not in special:
        special["keras2"] = Verdict("keras2", True)
    if file_format == "tfjs_layers":
        special["tfjs_layers"] = Verdict("tfjs_layers", True)
    what = f"{path}: {kinds.NAMES[file_format]}{f' of Keras {version}' if version else ''}"
    return what, [special.get(each.target, each) for each in examine(config, given)]


def _without_equivalent(config: Any, file_format: str, error: FailedPrecondition) -> dict[str, Verdict]:
    """Returns the verdicts on a model with a layer that Keras 3 does not have.

    Targets that read files of Keras 2 can still run the model. The import can serve the model if Keras 2 can export
    the model as a SavedModel.
    """
    special = {target: Verdict(target, False, "", str(error), _SOURCE) for target in TARGETS}
    if not isinstance(error, NoEquivalent):  # Keras 2 cannot load the file
        return special
    if file_format in ("h5", "keras") and allowed.is_harmless(config):
        for target in _SERVED:
            special[target] = Verdict(target, True)
            if not allowed.is_installed():
                special[target] = Verdict(target, False, "", str(error), _INSTALL)
    return {target: each for target, each in special.items() if target not in _READ_KERAS_2}


def refuse_obstacles(path: Path, *, trust: bool) -> None:
    """Raises FailedPrecondition if the doctor knows why a server cannot serve the layers of a file.

    Says nothing about files without a configuration of layers, or that cannot be read: their reader does.

    Args:
        path: the file, or the folder of a TensorFlow.js model.
        trust: whether code in the file is allowed to run.
    """
    from .keras2.repair import repair
    from .reading.config import read

    try:
        config, _ = repair(read(path)[0])
    except ServingError:
        return
    if problem := obstacle(config, trust=trust):
        raise FailedPrecondition(problem)


def _unreadable(layers: Sequence[Layer]) -> list[str]:
    """Lists the parts of a Keras 2 file that Keras 3 cannot load, although `repair` reports no change for them.

    Tested with Keras 3.15.
    """
    parts = [f"a nested model ({layer.name})" for layer in layers if layer.options.get("nested")]
    parts += [f"a wrapper layer ({layer.name})" for layer in layers if "of" in layer.options]
    # Keras 2 wrote groups=1 for all convolutions.
    parts += [f"groups in a DepthwiseConv2D ({each.name})" for each in layers if _has_groups(each)]
    parts += [
        f"the dtype policy {layer.options['dtype']}"
        for layer in layers
        if str(layer.options.get("dtype")).startswith("mixed")
    ]
    return [f"this file of Keras 2 has {part}, which Keras 3 cannot load" for part in parts]


def _has_groups(layer: Layer) -> bool:
    return layer.kind == "DepthwiseConv2D" and "groups" in layer.options
