"""The function of `import keras_gallery as kg` that runs a model server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .serving.launcher import ServerProcess


@contextmanager
def serve(
    *names: str,
    saved_models: str | Path = "saved_models",
    kind: str = "auto",
    host: str = "127.0.0.1",
    port: int | None = None,
    rest_port: int | None = None,
    flags: Sequence[str] = (),
    log: str | Path | None = None,
    timeout: float = 120,
) -> Iterator[ServerProcess]:
    """Runs a model server as a child process for the length of a `with` block.

    The block starts when all models are loaded. The server stops at the end of the block.

    Args:
        names: names of exported models; by default all models in `saved_models`.
        saved_models: the folder of all exported models.
        kind: the server. "embedded" is Keras Gallery's own server. "tensorflow-model-server" is TensorFlow Serving's
            program, and "container" is its container. "auto" is "tensorflow-model-server" if that program is
            installed, and otherwise "embedded".
        host: the address to listen on; "0.0.0.0" allows requests from other machines.
        port: the gRPC port; by default any free port.
        rest_port: the REST port; by default any free port.
        flags: more command-line flags for the server, such as "--enable_batching".
        log: the file for the server's log; by default this process's standard error.
        timeout: the longest time to wait until the models are loaded, in seconds.

    Yields:
        The server process. Pass its address `grpc` or `rest` to `Client`.

    Raises:
        NotFound: a model is not exported, or the server's program is not installed.
        FailedPrecondition: the server process ended, or a model was not loaded before the timeout.

    Example:
        >>> digits = load_dataset("digits").x_test[:5]
        >>> with serve("digits") as server, Client(server.grpc) as client:
        ...     client.classify("digits", digits).labels
        ['9', '9', '2', '4', '6']
    """
    from .serving.launcher import ServerProcess, find_models
    from .serving.ports import free_port

    process = ServerProcess(
        kind,
        find_models(Path(saved_models), names),
        host=host,
        port=free_port() if port is None else port,
        rest_port=free_port() if rest_port is None else rest_port,
        flags=flags,
        log=None if log is None else Path(log),
    )
    with process:
        process.wait_until_ready(timeout)
        yield process
