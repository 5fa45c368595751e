"""The owner of the TensorFlow process: starts it when it is first needed, and anew when it has died."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from ...errors import Unavailable

log = logging.getLogger(__name__)


class TensorFlowProcess:
    """One TensorFlow process for a whole server.

    It ends with `close`, and by itself where this process dies.

    Args:
        intra_op: threads that work on one operation; 0: as many as cores.
        inter_op: operations run at a time; 0: as many as cores.
    """

    def __init__(self, intra_op: int = 0, inter_op: int = 0) -> None:
        self._options = [str(intra_op), str(inter_op)]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._starts = 0
        self._closed = False

    def address(self) -> str:
        """The Unix socket that the process listens on; starts it where it does not run. Returns at once.

        Raises Unavailable once the owner is closed.
        """
        with self._lock:
            if self._closed:
                raise Unavailable("The server is stopping")
            if self._process is not None and (status := self._process.poll()) is not None:
                log.error("the TensorFlow process ended with status %s", status)
                self._let_go(self._process)
                self._process = None
            if self._process is None:
                self._process = self._start()
            return str(self._socket())

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._let_go(self._process)
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)

    def _socket(self) -> Path:
        assert self._folder is not None
        return self._folder / f"tensorflow-{self._starts}"

    def _start(self) -> subprocess.Popen[bytes]:
        """Starts a process on a socket that is listened to already, so that nobody need wait to connect."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="keras-gallery-"))  # only this user looks inside
        self._starts += 1
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self._socket()))
            listener.listen(128)
            log.info("starting the TensorFlow process")
            return subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "keras_gallery.serving.engines.tensorflow.worker"),
                    *(str(listener.fileno()), *self._options),
                ],
                stdin=subprocess.PIPE,  # it ends when this closes
                stdout=2,  # whatever libraries print
                pass_fds=[listener.fileno()],
                start_new_session=True,  # Ctrl-C is for the server, which ends this process itself
            )

    def _let_go(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._socket().unlink(missing_ok=True)
