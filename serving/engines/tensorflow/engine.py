"""Runs signatures with TensorFlow, in a TensorFlow process that all processes of a server share.

This engine runs any SavedModel, including string operations, image bytes, tf.Example parsing and any dtype. The
TensorFlow process loads a model when a run first needs it, and again after a restart of the process. `process.py`
starts the process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ... import saved_model
from ...errors import ServingError
from ...wire.signature import SignatureDef
from ..base import Runner
from ..graph import Graph
from . import library as tensorflow_library
from .connections import Connections
from .model import Model
from .runner import TensorFlowRunner

log = logging.getLogger(__name__)


class TensorFlow:
    """The TensorFlow engine.

    Args:
        address: returns the Unix socket of the TensorFlow process, and starts the process if it does not run.
        tags: tags of the meta graph to load.
        changed: called with the folder of a version whose files have changed since the version was loaded.
    """

    def __init__(
        self,
        address: Callable[[], str],
        tags: Sequence[str] = ("serve",),
        changed: Callable[[Path], object] = lambda folder: None,
    ) -> None:
        self._tags = tags
        self.connections = Connections(address, tags)
        self._changed = changed
        self.models: set[Model] = set()  # models with open runners

    def load(self, folder: Path, signatures: Mapping[str, SignatureDef]) -> dict[str, Runner]:
        """Loads the SavedModel and returns a runner for each signature.

        If TensorFlow is not installed, logs a warning and returns no runners.
        """
        runners = self.load_lazily(folder, signatures)
        if not runners and signatures:
            names = ", ".join(sorted(signatures))
            log.warning("%s: TensorFlow is missing (pip install '.[models]'), not served: %s", folder, names)
        try:
            for runner in list(runners.values())[:1]:
                runner.model.number()
        except BaseException:
            for runner in runners.values():
                runner.close()
            raise
        return dict(runners)

    def load_lazily(self, folder: Path, signatures: Mapping[str, SignatureDef]) -> dict[str, TensorFlowRunner]:
        """Returns a runner for each signature. The first run loads the SavedModel.

        If TensorFlow is not installed, returns no runners.
        """
        if tensorflow_library.find() is None:
            return {}
        model = Model(self.connections, folder, len(signatures), self.models, self._changed)
        graph = self._graph(folder)
        return {name: TensorFlowRunner(model, each, graph) for name, each in signatures.items()}

    def _graph(self, folder: Path) -> Graph | None:
        """Returns the graph of the SavedModel, or None if it can't be read. TensorFlow then reports the error."""
        try:
            return Graph(saved_model.read_meta_graph(folder, self._tags).graph_def)
        except ServingError:
            return None

    def close(self) -> None:
        """Frees all models and closes the connections. Does not end the TensorFlow process."""
        for model in list(self.models):
            model.free()
        self.connections.close()
