"""The child process of the TensorFlow engine: reads frames from a pipe, runs signatures, writes frames back.

Started by `tensorflow.py`, which describes the frames. It keeps one session for each SavedModel, as TensorFlow
Serving does, so that answers and error messages are TensorFlow's own.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from ..quiet import quiet_import
from ..saved_model import read_signatures
from ..wire import predict
from .frames import LOAD, RUN, read_frame, write_frame


class Model:
    """A SavedModel in a session."""

    def __init__(self, folder: str) -> None:
        with quiet_import():
            import tensorflow.compat.v1 as tf
            from tensorflow.core.protobuf.config_pb2 import CallableOptions

        self._callable_options = CallableOptions
        tf.logging.set_verbosity(tf.logging.ERROR)
        self.signatures = read_signatures(Path(folder))
        self.session = tf.Session(graph=tf.Graph())
        with self.session.graph.as_default():
            tf.saved_model.loader.load(self.session, ["serve"], folder)
        self._callables: dict[tuple[str, tuple[str, ...]], Any] = {}

    def run(self, request: predict.PredictRequest) -> bytes:
        assert request.spec is not None
        key = (request.spec.signature, request.outputs)
        run = self._callables.get(key)
        signature = self.signatures[request.spec.signature]
        if run is None:
            fetches = [signature.outputs[name].tensor for name in request.outputs]
            feeds = [signature.inputs[name].tensor for name in sorted(signature.inputs)]
            # Unlike Session.run it leaves shapes to the graph, as TensorFlow Serving does, and is faster.
            run = self.session._make_callable_from_options(self._callable_options(feed=feeds, fetch=fetches))
            self._callables[key] = run
        values = run(*(request.inputs[name] for name in sorted(signature.inputs)))
        return predict.encode_response(request.spec, dict(zip(request.outputs, values, strict=True)))


class Worker:
    """The loop: one thread reads frames, a few run them, answers go out as they come."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests, self._answers = requests, answers
        self._lock = threading.Lock()
        self._models: dict[str, Future[Model]] = {}

    def serve(self, threads: int) -> None:
        with ThreadPoolExecutor(1) as loader, ThreadPoolExecutor(threads) as pool:
            while (frame := read_frame(self._requests)) is not None:
                number, kind, payload = frame
                # Noted here, in the order of the frames, so that a RUN after a LOAD waits for it.
                if kind == LOAD and payload.decode() not in self._models:
                    self._models[payload.decode()] = loader.submit(Model, payload.decode())
                (loader if kind == LOAD else pool).submit(self._answer, number, kind, payload)

    def _answer(self, number: int, kind: int, payload: bytes) -> None:
        try:
            code, body = 0, self._do(kind, payload)
        except Exception as error:  # whatever TensorFlow raises is the parent's to report
            code, body = getattr(error, "error_code", 13), _message(error).encode()
        with self._lock:
            write_frame(self._answers, number, code, body)

    def _do(self, kind: int, payload: bytes) -> bytes:
        if kind == RUN:
            request = predict.decode_request(payload)
            assert request.spec is not None
            return self._models[request.spec.name].result().run(request)
        folder = payload.decode()
        if kind == LOAD:
            try:
                self._models[folder].result()
            except Exception:
                del self._models[folder]  # to be tried again by the next LOAD
                raise
        else:
            self._models.pop(folder).result().session.close()
        return b""


def _message(error: Exception) -> str:
    """TensorFlow's message without the Python trace that a session appends."""
    text = str(getattr(error, "message", error))
    text = text.split("\n\nOriginal stack trace")[0].removeprefix("Graph execution error:\n\n")
    return text or type(error).__name__


def main() -> None:
    # Answers have a pipe of their own: whatever libraries print must not end up between them.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    Worker(sys.stdin.buffer, answers).serve(threads=max(2, os.cpu_count() or 2))


if __name__ == "__main__":
    main()
