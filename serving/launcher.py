"""Runs a model server as a process of its own: the real `tensorflow_model_server`, its container, or the embedded one.

All three take the same flags and serve the same `saved_models/`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from .client import Client
from .errors import FailedPrecondition, InvalidArgument, NotFound, ServingError
from .wire import messages

BINARY = "tensorflow_model_server"
IMAGE = "tensorflow/serving"
KINDS = ("auto", "embedded", "tensorflow-model-server", "container")


def find_models(root: Path, names: Sequence[str] = ()) -> dict[str, Path]:
    """Folders of exported models below `root`, all or those named. NotFound where there are none."""
    found = {
        folder.name: folder
        for folder in (sorted(root.iterdir()) if root.is_dir() else [])
        if folder.is_dir() and any((version / "saved_model.pb").is_file() for version in folder.iterdir())
    }
    missing = [name for name in names if name not in found]
    if missing or not found:
        wanted = ", ".join(missing) or "at least one"
        have = ", ".join(found) or "none"
        raise NotFound(f"Expected exported models in {root}: {wanted}. Received: {have} (see gallery export)")
    return {name: found[name] for name in names or found}


def binary() -> str | None:
    """The real server's binary: `TF_MODEL_SERVER`, or `tensorflow_model_server` on PATH; None if there is none."""
    named = os.environ.get("TF_MODEL_SERVER")
    if not named:
        return shutil.which(BINARY)
    found = shutil.which(named)
    if found is None:
        raise NotFound(f"Expected TF_MODEL_SERVER to name a program. Received: {named}")
    return found


def choose(kind: str) -> str:
    """The kind that is meant: "auto" is the real server where it is found, and the embedded one otherwise."""
    if kind not in KINDS:
        raise InvalidArgument(f"Expected a server of {', '.join(KINDS)}. Received: {kind}")
    if kind == "auto":
        return "tensorflow-model-server" if binary() else "embedded"
    if kind == "tensorflow-model-server" and binary() is None:
        raise NotFound(
            f"Expected {BINARY} on PATH, or TF_MODEL_SERVER=/path/to/it. Received: neither (--with embedded needs none)"
        )
    if kind == "container" and shutil.which("docker") is None:
        raise NotFound("Expected docker on PATH. Received: no such program (--with embedded needs none)")
    return kind


def model_config(models: dict[str, str]) -> str:
    """A text-format model config file for base paths by model name."""
    config = messages.ModelServerConfig()
    for name, base_path in models.items():
        config.model_config_list.config.add(name=name, base_path=base_path, model_platform="tensorflow")
    return str(config)


def command(
    kind: str,
    models: dict[str, Path],
    folder: Path,
    port: int,
    rest_port: int,
    flags: Sequence[str] = (),
    host: str = "127.0.0.1",
) -> list[str]:
    """The command line of a server.

    Args:
        kind: one of `KINDS` but "auto".
        models: base paths by model name.
        folder: where the model config file is written.
        port, rest_port: the ports of gRPC and REST.
        flags: further flags, as tensorflow_model_server takes them.
        host: the address to listen on. tensorflow_model_server itself has no such flag, and listens on all.
    """
    paths = {name: str(path.absolute()) for name, path in models.items()}
    if kind == "container":
        inside = {name: f"/models/{name}" for name in models}
        (folder / "models.config").write_text(model_config(inside))
        mounts = [f"--volume={paths[name]}:{inside[name]}:ro" for name in models]
        address = f"[{host}]" if ":" in host else host
        ports = [f"--publish={address}:{port}:8500", f"--publish={address}:{rest_port}:8501"]
        config = f"--volume={folder.absolute()}/models.config:/etc/models.config:ro"
        # --init: the server gets SIGTERM although it is not made to be process 1.
        run = ["docker", "run", "--rm", "--init", *ports, *mounts, config, IMAGE]
        return [*run, "--model_config_file=/etc/models.config", *flags]
    (folder / "models.config").write_text(model_config(paths))
    program = [sys.executable, "-P", "-m", "keras_gallery.serving.server.model_server", f"--host={host}"]
    if kind == "tensorflow-model-server":
        program = [binary() or BINARY]
    ports = [f"--port={port}", f"--rest_api_port={rest_port}"]
    return [*program, *ports, f"--model_config_file={folder / 'models.config'}", *flags]


class ServerProcess:
    """A server that runs: started on entering, stopped on leaving.

    Args:
        kind: one of `KINDS`.
        models: base paths by model name.
        port, rest_port: the ports of gRPC and REST.
        host: the address to listen on, 127.0.0.1 by default: this machine alone.
        flags: further flags.
        log: the file that the server's output goes to; this process's own stderr by default.
    """

    def __init__(
        self,
        kind: str,
        models: dict[str, Path],
        *,
        port: int,
        rest_port: int,
        host: str = "127.0.0.1",
        flags: Sequence[str] = (),
        log: Path | None = None,
    ) -> None:
        self.kind = choose(kind)
        self.models = models
        # Where clients on this machine reach it: localhost, unless it listens on one other address alone.
        reached = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        self.grpc = f"{reached}:{port}"
        self.rest = f"http://{reached}:{rest_port}"
        self._folder = tempfile.TemporaryDirectory(prefix="gallery-serve-")
        self.command = command(self.kind, models, Path(self._folder.name), port, rest_port, flags, host)
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        output = open(self._log, "ab") if self._log else None
        try:
            # Its own session: Ctrl-C reaches this process only, which then stops the server in order.
            self.process = subprocess.Popen(
                self.command, stdout=output, stderr=subprocess.STDOUT if output else None, start_new_session=True
            )
        finally:
            if output:
                output.close()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def wait_until_ready(self, seconds: float = 120) -> None:
        """Waits until every model has an available version.

        Raises:
            FailedPrecondition: the server ended, a model can't be loaded, or the time is over.
        """
        assert self.process is not None
        deadline = time.monotonic() + seconds
        problem: object = "no answer"
        with Client(self.rest, timeout=5) as client:
            waiting = set(self.models)
            while waiting and time.monotonic() < deadline:
                if self.process.poll() is not None:
                    raise FailedPrecondition(
                        f"Expected the server to run. Received: exit status {self.process.returncode}"
                    )
                for name in sorted(waiting):
                    try:
                        states = client.status(name)
                    except ServingError as error:
                        problem = error
                        continue
                    problem = f"{name}: {states}"
                    if "AVAILABLE" in states.values():
                        waiting.discard(name)
                time.sleep(0.05)
        if waiting:
            raise FailedPrecondition(f"Expected all models to be available in {seconds:.0f} s. Received: {problem}")

    def stop(self, seconds: float = 20) -> int:
        """Asks the server to end (SIGTERM), kills it after `seconds`; its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._folder.cleanup()
        return self.process.returncode
