"""Loads and runs a SavedModel with TensorFlow's C library, which has the same code as TensorFlow Serving."""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ... import version_files
from ...saved_model import model_file
from ...wire import messages
from ...wire.tensor import varint
from .library import Output, Status, TensorFlowError, library
from .tensor import Tensor

INVALID_ARGUMENT = 3
LOAD_MILLISECONDS = 1_800_000  # time limit of each run of an initializer
# The field use_per_session_threads of `ConfigProto`: a slow model does not take the threads of the other models.
OWN_THREADS = b"\x48\x01"
# A serialized `RunOptions` with inter_op_thread_pool = -1: the calling thread runs all operations, one by one.
IN_THIS_THREAD = b"\x18" + b"\xff" * 9 + b"\x01"


def session_config(intra_op: int = 0, inter_op: int = 0) -> bytes:
    """Returns a serialized `ConfigProto`.

    Args:
        intra_op: number of threads for one operation. 0 means one per core.
        inter_op: number of operations that run in parallel. 0 means one per core.
    """
    config = messages.ConfigProto(intra_op_parallelism_threads=intra_op, inter_op_parallelism_threads=inter_op)
    return bytes(config.SerializeToString()) + OWN_THREADS


@functools.cache
def _run_in_this_thread() -> int:
    return int(library().NewBufferFromString(IN_THIS_THREAD, len(IN_THIS_THREAD)))


def _with_limit(milliseconds: int) -> int:
    """Returns run options with a time limit, which the caller deletes. TensorFlow's threads run the operations."""
    serialized = b"\x10" + varint(milliseconds)  # the field timeout_in_ms of `RunOptions`
    return int(library().NewBufferFromString(serialized, len(serialized)))


class Session:
    """A SavedModel's graph with its variables, look-up tables and assets. All are freed when this object is deleted.

    Args:
        folder: the SavedModel.
        tags: tags of the meta graph.
        config: a serialized `ConfigProto`.

    Raises:
        TensorFlowError: the SavedModel can't be loaded. The message is TensorFlow's.
    """

    def __init__(self, folder: Path, tags: Sequence[str], config: bytes = b"") -> None:
        tf = library()
        self.is_closed = False
        self._session: int | None = None
        self._cache: dict[Any, Any] = {}
        # Running operations in other threads is slower, except in models that decode many images.
        file = model_file(folder)
        is_parallel = file is None or re.search(rb"(?<!Unicode)Decode", version_files.read_file(file)) is not None
        self._options = None if is_parallel else _run_in_this_thread()
        self._graph = tf.NewGraph()
        options = tf.NewSessionOptions()
        names = (ctypes.c_char_p * len(tags))(*(tag.encode() for tag in tags))
        limit = _with_limit(LOAD_MILLISECONDS)
        try:
            with Status() as status:
                tf.SetConfig(options, config, len(config), status)
            with Status() as status:
                self._session = tf.LoadSessionFromSavedModel(
                    options, limit, str(folder).encode(), names, len(tags), self._graph, None, status
                )
        finally:
            tf.DeleteSessionOptions(options)
            tf.DeleteBuffer(limit)

    def run(self, feeds: Sequence[tuple[str, Tensor]], fetches: Sequence[str], milliseconds: int = 0) -> list[Tensor]:
        """Runs the graph. Any number of threads may call this at once.

        Only the graph checks the shapes of inputs, as in TensorFlow Serving.

        Args:
            feeds: name and value of each input tensor.
            fetches: names of the output tensors.
            milliseconds: time limit. TensorFlow checks it before each operation. 0: no limit.

        Returns:
            the output tensors.

        Raises:
            TensorFlowError: the run failed, or took longer than the time limit. The message is TensorFlow's.
        """
        inputs = self._outputs_of(tuple(name for name, _ in feeds))
        outputs = self._outputs_of(tuple(fetches))
        values = (ctypes.c_void_p * len(feeds))(*(tensor.pointer for _, tensor in feeds))
        results = (ctypes.c_void_p * len(fetches))()
        options = _with_limit(milliseconds) if milliseconds else self._options
        try:
            with Status() as status:
                library().SessionRun(
                    *(self._session, options, inputs, values, len(feeds)),
                    *(outputs, results, len(fetches), None, 0, None, status),
                )
        finally:
            if milliseconds:
                library().DeleteBuffer(options)
        return [Tensor(pointer) for pointer in results if pointer]

    def close(self) -> None:
        """Ends all runs. A run in progress raises TensorFlowError before its next operation."""
        self.is_closed = True
        with Status() as status:
            library().CloseSession(self._session, status)

    def _outputs_of(self, names: tuple[str, ...]) -> Any:
        """Returns an array of TF_Output for tensor names. The first 1,024 different results are cached."""
        array = self._cache.get(names)
        if array is None:
            array = (Output * len(names))(*map(self._output, names))
            if len(self._cache) < 1024:  # a limit is necessary, because clients choose the outputs
                self._cache[names] = array
        return array

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
