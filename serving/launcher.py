"""Runs a model server as a child process.

The model server is the embedded server (serving/server), TensorFlow Serving's program `tensorflow_model_server`, or
TensorFlow Serving's container image. All three accept TensorFlow Serving's flags and serve the same `saved_models/`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from . import leftovers
from .client import Client
from .errors import FailedPrecondition, InvalidArgument, NotFound, ServingError, Unauthenticated, Unavailable
from .leftovers import OwnedFolder
from .wire import messages

BINARY = "tensorflow_model_server"
IMAGE = "tensorflow/serving"
FOLDER = "gallery-serve-"  # the beginning of the name of the folder with the model config file
PROGRESS_SECONDS = 5  # seconds between two progress messages while models are loading
KINDS = ("auto", "embedded", "tensorflow-model-server", "container")


def find_models(root: Path, names: Sequence[str] = ()) -> dict[str, Path]:
    """Returns the folders of exported models by model name.

    Args:
        root: the folder of all exported models.
        names: the names of the models to find; empty: all models.

    Raises:
        NotFound: a model in `names` is not exported, or there are no exported models.
    """
    exported = {
        folder.name: folder
        for folder in (sorted(root.iterdir()) if root.is_dir() else [])
        if folder.is_dir() and any(_is_version(each) for each in folder.iterdir())
    }
    missing = [name for name in names if name not in exported]
    if not exported:
        problem = f"No exported model {' or '.join(missing)}" if missing else "No exported models"
        raise NotFound(
            f"{problem} in {root}. Export one with: gallery export NAME. Or export and serve "
            "all trained models that come with Keras Gallery: gallery serve --all"
        )
    if missing:
        raise NotFound(f"No exported model {' or '.join(missing)} in {root}. Exported models: {', '.join(exported)}")
    return {name: exported[name] for name in names or exported}


def _is_version(folder: Path) -> bool:
    """Returns whether a folder is a complete version. While a version is written, its folder has another name."""
    return folder.name.isdecimal() and (folder / "saved_model.pb").is_file()


def binary() -> str | None:
    """Returns the path of TensorFlow Serving's program, or None if the program is not installed.

    The environment variable TF_MODEL_SERVER can set the program. Without this variable, the function searches PATH for
    `tensorflow_model_server`.

    Raises:
        NotFound: TF_MODEL_SERVER does not name a program.
    """
    name = os.environ.get("TF_MODEL_SERVER")
    if not name:
        return shutil.which(BINARY)
    path = shutil.which(name)
    if path is None:
        raise NotFound(f"The environment variable TF_MODEL_SERVER does not name a program: {name}")
    return path


def choose(kind: str) -> str:
    """Returns the kind of server to start: `kind`, unless `kind` is "auto".

    For "auto", returns "tensorflow-model-server" if TensorFlow Serving's program is installed, otherwise "embedded".

    Raises:
        InvalidArgument: `kind` is not one of `KINDS`.
        NotFound: the server's program is not installed, or TF_MODEL_SERVER does not name a program.
    """
    if kind not in KINDS:
        raise InvalidArgument(f"Expected a server kind: {', '.join(KINDS)}. Received: {kind}")
    if kind == "auto":
        return "tensorflow-model-server" if binary() else "embedded"
    if kind == "tensorflow-model-server" and binary() is None:
        raise NotFound(
            f"{BINARY} is not on PATH. Install it, set TF_MODEL_SERVER to its path, or use the embedded server"
        )
    if kind == "container" and shutil.which("docker") is None:
        raise NotFound("docker is not on PATH. Install it, or use the embedded server")
    return kind


def model_config(models: dict[str, str]) -> str:
    """Returns the text of a model config file for the given models and base paths."""
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
    """Writes a model config file and returns the command line of a server that uses this file.

    Args:
        kind: one of `KINDS` except "auto".
        models: the base path of each model.
        folder: the folder for the model config file.
        port: the gRPC port.
        rest_port: the REST port.
        flags: additional command-line flags.
        host: the address to listen on. "tensorflow-model-server" ignores `host` and listens on all addresses.
    """
    paths = {name: str(path.absolute()) for name, path in models.items()}
    if kind == "container":
        inside = {name: f"/models/{name}" for name in models}
        (folder / "models.config").write_text(model_config(inside))
        mounts = [f"--volume={paths[name]}:{inside[name]}:ro" for name in models]
        address = f"[{host}]" if ":" in host else host
        ports = [f"--publish={address}:{port}:8500", f"--publish={address}:{rest_port}:8501"]
        config = f"--volume={folder.absolute()}/models.config:/etc/models.config:ro"
        # Without --init, the server would be process 1 and would ignore SIGTERM.
        run = ["docker", "run", "--rm", "--init", *ports, *mounts, config, IMAGE]
        return [*run, "--model_config_file=/etc/models.config", *flags]
    (folder / "models.config").write_text(model_config(paths))
    program = [sys.executable, "-P", "-m", "keras_gallery.serving.server.model_server", f"--host={host}"]
    if kind == "tensorflow-model-server":
        program = [binary() or BINARY]
    ports = [f"--port={port}", f"--rest_api_port={rest_port}"]
    return [*program, *ports, f"--model_config_file={folder / 'models.config'}", *flags]


class ServerProcess:
    """A model server in a child process. The `with` statement starts and stops it.

    Args:
        kind: one of `KINDS`.
        models: the base path of each model.
        port: the gRPC port.
        rest_port: the REST port.
        host: the address to listen on; by default 127.0.0.1, which only this machine can reach.
        flags: additional command-line flags.
        log: the file for the server's output. By default the server inherits the output streams of this process.

    Attributes:
        kind: the kind of server that runs: one of `KINDS` except "auto".
        grpc: the address for gRPC clients on this machine, such as "localhost:8500".
        rest: the address for REST clients on this machine, such as "http://localhost:8501".
        command: the command line of the server.
        process: the child process, or None before the `with` statement.
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
        # Clients on this machine connect to localhost, unless the server listens only on another address.
        reached = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        self.grpc = f"{reached}:{port}"
        self.rest = f"http://{reached}:{rest_port}"
        leftovers.remove_abandoned(FOLDER)
        self._folder = OwnedFolder(FOLDER)
        self.command = command(self.kind, models, self._folder.path, port, rest_port, flags, host)
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def update(self, models: dict[str, Path]) -> None:
        """Changes the models in the model config file.

        The server reads the file again if it has the flag --model_config_file_poll_wait_seconds. A container can't
        read the file of another model. Raises OSError if the file can't be written.
        """
        flag = next(each for each in self.command if each.startswith("--model_config_file="))
        file = Path(flag.partition("=")[2])
        changed = file.with_suffix(".changed")
        changed.write_text(model_config({name: str(path.absolute()) for name, path in models.items()}))
        changed.replace(file)  # in one step, so that the server never reads a part of the file
        self.models = models

    def __enter__(self) -> Self:
        output = open(self._log, "ab") if self._log else None
        try:
            # In its own session, the server does not receive Ctrl-C. This process receives Ctrl-C and stops the server.
            self.process = subprocess.Popen(
                self.command, stdout=output, stderr=subprocess.STDOUT if output else None, start_new_session=True
            )
        finally:
            if output:
                output.close()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def wait_until_ready(self, seconds: float = 120, progress: Callable[[str], None] | None = None) -> None:
        """Waits until each model has an available version.

        Args:
            seconds: the longest time to wait.
            progress: called with a line of text every few seconds while models are loading.

        Raises:
            FailedPrecondition: the server ended, or a model has no available version after `seconds`.
        """
        assert self.process is not None
        started = time.monotonic()
        next_line = started + PROGRESS_SECONDS
        problem: object = "no answer"
        with Client(self.rest, timeout=5) as client:
            waiting = set(self.models)
            while waiting and time.monotonic() < started + seconds:
                if self.process.poll() is not None:
                    log = f"in {self._log}" if self._log else "above"
                    raise FailedPrecondition(
                        f"The {self.kind} server ended with exit status {self.process.returncode}. Its log is {log}"
                    )
                for name in sorted(waiting):
                    try:
                        states = client.status(name)
                    except Unauthenticated:  # with --auth_tokens_file; the ports open when the models are loaded
                        waiting.discard(name)
                        continue
                    except Unavailable as error:  # of the other models, too
                        problem = error
                        break
                    except ServingError as error:
                        problem = error
                        continue
                    problem = f"{name}: {states}"
                    if "AVAILABLE" in states.values():
                        waiting.discard(name)
                if progress and waiting and time.monotonic() >= next_line:
                    progress(f"Loading {', '.join(sorted(waiting))}, {time.monotonic() - started:.0f} s")
                    next_line = time.monotonic() + PROGRESS_SECONDS
                time.sleep(0.05)
        if waiting:
            missing = ", ".join(sorted(waiting))
            raise FailedPrecondition(
                f"These models are not available after {seconds:.0f} s: {missing}. Last status: {problem}"
            )

    def stop(self, seconds: float = 20) -> int:
        """Stops the server with SIGTERM, and kills it if it still runs after `seconds`. Returns the exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._folder.close()
        return self.process.returncode
