"""Runs signatures with TensorFlow, in a child process that is started when the first model needs it.

The server itself never imports TensorFlow. The child takes any SavedModel: string operations, image bytes,
tf.Example parsing, any dtype. If it dies it is started anew, with the models it had.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import logging
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

import grpc

from ..errors import ServingError, Unavailable, from_code
from ..saved_model import SignatureDef
from ..wire import messages, predict, tensor
from .base import Arrays, Runner
from .frames import LOAD, RUN, UNLOAD, read_frame, write_frame

log = logging.getLogger(__name__)
_CODE_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}


class TensorFlow:
    """The engine: the child process, the folders it has loaded, and the answers that are awaited."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: dict[int, Future[bytes]] = {}
        self._numbers = itertools.count()
        self._users: dict[Path, int] = {}  # runners by folder

    def load(self, folder: Path, signatures: Mapping[str, SignatureDef]) -> dict[str, Runner]:
        """All of them; none, with a warning, where TensorFlow is not installed."""
        if importlib.util.find_spec("tensorflow") is None:
            names = ", ".join(sorted(signatures))
            log.warning("%s: not served without TensorFlow (pip install 'keras-gallery[models]'): %s", folder, names)
            return {}
        with self._lock:
            self._users[folder] = self._users.get(folder, 0) + len(signatures)
        try:
            self._call(LOAD, str(folder).encode())
        except ServingError:
            with self._lock:
                self._users[folder] -= len(signatures)
                if not self._users[folder]:
                    del self._users[folder]
            raise
        return {name: TensorFlowRunner(self, folder, name) for name in signatures}

    def unload(self, folder: Path) -> None:
        """Takes back one runner; the last one frees the model."""
        with self._lock:
            self._users[folder] -= 1
            if self._users[folder]:
                return
            del self._users[folder]
            if self._process is None:
                return
        try:
            self._call(UNLOAD, str(folder).encode())
        except ServingError as error:  # the process is gone, and the model with it
            log.info("TensorFlow process: %s", error)

    def run(self, request: bytes) -> bytes:
        """A serialized PredictRequest in, a serialized PredictResponse out."""
        return self._call(RUN, request)

    def close(self) -> None:
        """Ends the child process."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _call(self, kind: int, payload: bytes) -> bytes:
        answer: Future[bytes] = Future()
        with self._lock:
            process = self._process or self._start()
            number = next(self._numbers) & 0xFFFFFFFF
            self._waiting[number] = answer
            assert process.stdin is not None
            with contextlib.suppress(OSError, ValueError):  # a broken or closed pipe: the reader reports it
                write_frame(process.stdin, number, kind, payload)
        return answer.result()

    def _start(self) -> subprocess.Popen[bytes]:
        log.info("starting the TensorFlow process")
        process = subprocess.Popen(
            [sys.executable, "-m", "keras_gallery.serving.engines.tensorflow_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the server, which ends this process itself
        )
        self._process = process
        assert process.stdin is not None
        for folder in self._users:  # those of a process that died; the answers go nowhere
            write_frame(process.stdin, 0xFFFFFFFF, LOAD, str(folder).encode())
        threading.Thread(target=self._read, args=(process,), name="tensorflow-answers", daemon=True).start()
        return process

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None and process.stdin is not None
        while (frame := read_frame(process.stdout)) is not None:
            number, code, payload = frame
            answer = self._waiting.pop(number, None)
            if answer is None:
                continue
            if code == 0:
                answer.set_result(payload)
            else:
                text = payload.decode(errors="replace")
                answer.set_exception(from_code(_CODE_NAMES.get(code, "UNKNOWN"), text))
        process.stdout.close()
        with contextlib.suppress(OSError):
            process.stdin.close()
        status = process.wait()
        with self._lock:
            if self._process is process:
                self._process = None
                log.error("the TensorFlow process ended with status %s", status)
            orphans, self._waiting = self._waiting, {}
        for answer in orphans.values():
            answer.set_exception(Unavailable(f"The TensorFlow process ended with status {status}"))


class TensorFlowRunner:
    """One signature of a SavedModel that the child process holds."""

    engine = "tensorflow"

    def __init__(self, engine: TensorFlow, folder: Path, signature: str) -> None:
        self._engine, self._folder = engine, folder
        self._spec = predict.ModelSpec(str(folder), signature=signature)

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        answer = self._engine.run(predict.encode_request(self._spec, inputs, tuple(outputs)))
        response = messages.PredictResponse.FromString(answer)
        return {name: tensor.to_array(response.outputs[name]) for name in outputs}

    def close(self) -> None:
        self._engine.unload(self._folder)
