"""Exports a model as a SavedModel in Keras 2 (tf_keras), if Keras 3 has no equivalent of a layer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ... import saved_model
from ..keras.keras_file import made_by
from ..keras2 import allowed, runtime
from ..keras2.report import NoEquivalent
from ..reading import config as config_file
from ..reading import kinds
from ..reading.result import Options, ReadResult
from . import folder
from .copy import KERAS_METADATA

_INSTALL = "with Keras 2, the import can serve the model as a graph: pip install tf_keras"


def read(path: Path, options: Options, error: NoEquivalent) -> ReadResult:
    """Returns the model of a file as a SavedModel that Keras 2 wrote.

    Args:
        path: an HDF5 file or a .keras file of Keras 2.
        options: `trust` allows every class and function.
        error: why Keras 3 cannot rebuild the model.

    Raises:
        NoEquivalent: Keras 2 is not installed, cannot load the file, or could run code from the file.
        PermissionDenied: the graph has a forbidden operation.
    """
    raw, version = config_file.read(path)
    if not (options.trust or allowed.is_harmless(raw)):
        raise error
    if not allowed.is_installed():
        raise NoEquivalent(f"{error} ({_INSTALL})")
    target = options.folder / "keras2"
    is_h5 = kinds.recognise(path) == "h5"
    model = runtime.load_h5(path) if is_h5 else runtime.load_keras(path, raw, target / "weights")
    if model is None:
        raise error
    exported = target / "exported"
    try:
        model.save(exported, save_format="tf", include_optimizer=False)
    except Exception:  # Keras raises errors of many classes for models that it cannot save
        raise error from None
    (exported / KERAS_METADATA).unlink(missing_ok=True)
    result = folder.read(exported, replace(options, folder=target))
    names = ", ".join(saved_model.read_signatures(exported))
    return replace(
        result,
        description=f"{'HDF5' if is_h5 else '.keras'} file of {made_by(version)}: {names}",
        changes=[f"exported as a SavedModel by {runtime.name()}: {error}", *result.changes],
    )
