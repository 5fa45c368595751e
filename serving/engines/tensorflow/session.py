"""One SavedModel in a session of TensorFlow's C library: loaded and run by the same code as in TensorFlow Serving."""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...saved_model import model_file
from ...wire import messages
from .library import Output, Status, TensorFlowError, library
from .tensor import Tensor

INVALID_ARGUMENT = 3
# A serialized `RunOptions` with inter_op_thread_pool = -1: the thread that calls runs all operations, one by one.
IN_THIS_THREAD = b"\x18" + b"\xff" * 9 + b"\x01"


def session_config(intra_op: int = 0, inter_op: int = 0) -> bytes:
    """A serialized `ConfigProto`: threads for one operation, and for operations at a time; 0: as many as cores."""
    config = messages.ConfigProto(intra_op_parallelism_threads=intra_op, inter_op_parallelism_threads=inter_op)
    return bytes(config.SerializeToString())


@functools.cache
def _run_in_this_thread() -> int:
    return int(library().NewBufferFromString(IN_THIS_THREAD, len(IN_THIS_THREAD)))


class Session:
    """A SavedModel's graph with its variables, tables and assets. It is freed with the last reference to it.

    Args:
        folder: the SavedModel.
        tags: those of the meta graph.
        config: a serialized `ConfigProto`.

    Raises:
        TensorFlowError: in TensorFlow's words, where it can't be loaded.
    """

    def __init__(self, folder: Path, tags: Sequence[str], config: bytes = b"") -> None:
        tf = library()
        self._session: int | None = None
        self._known: dict[Any, Any] = {}
        # Handing operations to other threads costs more than it gains, but for those that decode many images.
        file = model_file(folder)
        is_parallel = file is None or re.search(rb"(?<!Unicode)Decode", file.read_bytes()) is not None
        self._options = None if is_parallel else _run_in_this_thread()
        self._graph = tf.NewGraph()
        options = tf.NewSessionOptions()
        names = (ctypes.c_char_p * len(tags))(*(tag.encode() for tag in tags))
        try:
            with Status() as status:
                tf.SetConfig(options, config, len(config), status)
            with Status() as status:
                self._session = tf.LoadSessionFromSavedModel(
                    options, None, str(folder).encode(), names, len(tags), self._graph, None, status
                )
        finally:
            tf.DeleteSessionOptions(options)

    def run(self, feeds: Sequence[tuple[str, Tensor]], fetches: Sequence[str]) -> list[Tensor]:
        """The tensors called `fetches`, given those in `feeds`. Any number of threads may run at once.

        Raises TensorFlowError, in TensorFlow's words. It leaves shapes to the graph, as TensorFlow Serving does.
        """
        inputs = self._outputs_of(tuple(name for name, _ in feeds))
        outputs = self._outputs_of(tuple(fetches))
        given = (ctypes.c_void_p * len(feeds))(*(tensor.pointer for _, tensor in feeds))
        found = (ctypes.c_void_p * len(fetches))()
        with Status() as status:
            library().SessionRun(
                *(self._session, self._options, inputs, given, len(feeds)),
                *(outputs, found, len(fetches), None, 0, None, status),
            )
        return [Tensor(pointer) for pointer in found if pointer]

    def _outputs_of(self, names: tuple[str, ...]) -> Any:
        """An array of TF_Output. One that was asked for often is kept."""
        found = self._known.get(names)
        if found is None:
            found = (Output * len(names))(*map(self._output, names))
            if len(self._known) < 1024:  # clients choose the outputs
                self._known[names] = found
        return found

    def _output(self, name: str) -> Output:
        operation, _, index = name.rpartition(":")
        if not operation:
            operation, index = name, "0"
        pointer = library().GraphOperationByName(self._graph, operation.encode())
        if not pointer or not index.isdecimal() or int(index) >= library().OperationNumOutputs(pointer):
            raise TensorFlowError(
                INVALID_ARGUMENT,
                f"Tensor {name}, specified in either feed_devices or fetch_devices was not found in the Graph",
            )
        return Output(pointer, int(index))

    def __del__(self) -> None:
        tf = library()
        if self._session:
            for end in (tf.CloseSession, tf.DeleteSession):
                status = tf.NewStatus()
                end(self._session, status)
                tf.DeleteStatus(status)
        tf.DeleteGraph(self._graph)
