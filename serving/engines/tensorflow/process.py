"""Starts the TensorFlow process when it is first needed, and restarts the process if it has ended.

If the process does not answer for about 10 seconds, for example because of a deadlock, it is killed.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from ...errors import Unavailable
from ...leftovers import OwnedFolder
from .frames import PING, Stream

log = logging.getLogger(__name__)
FOLDER = "gallery-tensorflow-"  # the beginning of the name of the folder with the process's socket
START_SECONDS = 120.0  # time for loading TensorFlow
PING_SECONDS = 2.0  # pause between two pings
HANG_SECONDS = 5.0  # the process is killed if it does not answer a ping within twice this time
MAX_SOCKET_PATH = 107 if sys.platform == "linux" else 103  # bytes, without the final NUL


class TensorFlowProcess:
    """The one TensorFlow process of a server.

    The process ends when `close` is called, or when the parent process ends.

    Args:
        intra_op: number of threads for one operation. 0 means one per core.
        inter_op: number of operations that run in parallel. 0 means one per core.
        sandbox: whether the process must not change files, start programs or use TCP, if the system can forbid it.
    """

    def __init__(self, intra_op: int = 0, inter_op: int = 0, *, sandbox: bool = False) -> None:
        self._options = [str(intra_op), str(inter_op)]
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: OwnedFolder | None = None
        self._starts = 0
        self._closed = threading.Event()

    def address(self) -> str:
        """Returns the path of the process's Unix socket, and starts the process if it does not run.

        Does not wait until the process is ready. Restarts the process if its socket was deleted, because no client
        can connect any more.

        Raises:
            Unavailable: `close` was called, or the path of the folder for temporary files is too long.
            OSError: the socket can't be created, or the process can't be started.
        """
        with self._lock:
            if self._closed.is_set():
                raise Unavailable("The server is stopping")
            if self._process is not None and (status := self._process.poll()) is not None:
                log.error("the TensorFlow process ended with status %s", status)
                self._end(self._process)
                self._process = None
            elif self._process is not None and not self._socket().exists():
                log.error("the socket %s was deleted: restarting the TensorFlow process", self._socket())
                self._end(self._process)
                self._process = None
            if self._process is None:
                self._process = self._start()
            return str(self._socket())

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._closed.set()
            if self._process is not None:
                self._end(self._process)
            if self._folder is not None:
                self._folder.close()

    def _socket(self) -> Path:
        assert self._folder is not None
        return self._folder.path / f"tensorflow-{self._starts}"

    def _start(self) -> subprocess.Popen[bytes]:
        """Starts a process with a socket that already listens, so that clients can connect at once."""
        if self._folder is None or not self._folder.path.is_dir():
            if self._folder is not None:
                self._folder.close()
            self._folder = OwnedFolder(FOLDER)
        self._starts += 1
        size = len(os.fsencode(self._socket()))
        if size > MAX_SOCKET_PATH:
            raise Unavailable(
                f"The path of TensorFlow's socket is too long: {size} bytes (maximum {MAX_SOCKET_PATH}). "
                "Set TMPDIR to a shorter path."
            )
        writable = ""
        if self._sandbox:
            writable = str(self._folder.path / "temporary")
            os.makedirs(writable, exist_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self._socket()))
            listener.listen(128)
            log.info("starting the TensorFlow process")
            process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "keras_gallery.serving.engines.tensorflow.worker"),
                    *(str(listener.fileno()), *self._options, writable),
                ],
                stdin=subprocess.PIPE,  # the process ends when this pipe closes
                stdout=2,  # output that libraries print goes to stderr
                pass_fds=[listener.fileno()],
                start_new_session=True,  # Ctrl-C reaches only the server, which then ends this process
            )
        threading.Thread(target=self._watch, args=(process, self._socket()), daemon=True).start()
        return process

    def _watch(self, process: subprocess.Popen[bytes], address: Path) -> None:
        """Sends pings to the process until it ends. Kills the process if it does not answer."""
        connection = socket.socket(socket.AF_UNIX)
        stream = Stream(connection)
        try:
            connection.settimeout(START_SECONDS)
            connection.connect(str(address))
            stream.write(PING, b"")
            stream.read()
            connection.settimeout(HANG_SECONDS)
            while not self._closed.wait(PING_SECONDS):
                stream.write(PING, b"")
                try:
                    stream.read()
                except TimeoutError:  # the whole server may have been paused: wait again
                    stream.read()
        except TimeoutError:
            log.error("the TensorFlow process %d does not answer: killed", process.pid)
            process.kill()
        except OSError:  # the process has ended
            pass
        finally:
            stream.close()

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._socket().unlink(missing_ok=True)
