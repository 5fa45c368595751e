"""`gallery serve` serves exported models over gRPC and REST."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import pretrained
from ..serving.printable import printable
from .command import SAVED_MODELS, Command
from .progress import progress

if TYPE_CHECKING:
    from ..serving.launcher import ServerProcess

EXPORTER_SECONDS = 3.0  # time for an export in progress to remove its files
WATCH_SECONDS = 1  # seconds between two searches for models with new names
# The same names as in serving/launcher.py. That module is not imported here, because it imports gRPC.
KINDS = ("auto", "embedded", "tensorflow-model-server", "container")


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument("names", nargs="*", metavar="name", help="the models to serve (default: all exported models)")
    parser.add_argument(
        "--all", action="store_true", help="also export and serve all trained models that come with Keras Gallery"
    )
    parser.add_argument(
        "--saved-models", default=SAVED_MODELS, help="folder of the exported models (default: saved_models)"
    )
    parser.add_argument(
        "--with",
        dest="kind",
        choices=KINDS,
        metavar="SERVER",
        default="auto",
        help=f"the server: {', '.join(KINDS)} (default: auto, which selects tensorflow-model-server if that program "
        "is installed, and otherwise embedded, Keras Gallery's own server)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 allows other machines to connect (default: 127.0.0.1, only this machine)",
    )
    parser.add_argument("--port", type=port, default=8500, help="gRPC port; 0 chooses a free port (default: 8500)")
    parser.add_argument("--rest-port", type=port, default=8501, help="REST port; 0 chooses a free port (default: 8501)")
    parser.add_argument(
        "--flag",
        action="append",
        default=[],
        metavar="FLAG",
        help="a flag of the server, written with =, such as --flag=--enable_batching; may be repeated",
    )


def port(text: str) -> int:
    """Parses a port number from 0 to 65535. Raises ArgumentTypeError if the text is not such a number."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"Expected a port from 0 to 65535. Received: {text}")
    return int(text)


def check_free(host: str, number: int, option: str) -> int:
    """Returns `number`, or a free port if `number` is 0. Raises InvalidArgument if the port cannot be used."""
    from ..serving.errors import InvalidArgument
    from ..serving.ports import PortInUse, free_port, reserve

    if not number:
        return free_port()
    try:
        reserve(host, number, option).close()
    except PortInUse as error:
        raise InvalidArgument(f"{error} Choose another port.") from None
    return number


def page_flags(kind: str, flags: Sequence[str]) -> list[str]:
    """Returns the flags that turn the page on. TensorFlow Serving has no page, and the user's flags may turn it off."""
    is_set = any(each.lstrip("-").partition("=")[0] == "enable_page" for each in flags)
    return ["--enable_page"] if kind == "embedded" and not is_set else []


def _run(values: argparse.Namespace) -> int:
    from ..serving.launcher import ServerProcess, choose, find_models

    # Like Ctrl-C, SIGTERM stops the other processes before this process ends.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        later = _export_missing(values)
    except KeyboardInterrupt:
        print("Stopped.")
        return 0
    models = find_models(Path(values.saved_models), values.names)
    kind = choose(values.kind)
    # A container sees only the folders that exist when it starts.
    watched = not values.names and kind != "container"
    watch = [f"--model_config_file_poll_wait_seconds={WATCH_SECONDS}"] if watched else []
    page = page_flags(kind, values.flag)
    server = ServerProcess(
        kind,
        models,
        host=values.host,
        port=check_free(values.host, values.port, "port"),
        rest_port=check_free(values.host, values.rest_port, "rest-port"),
        flags=[*page, *watch, *values.flag],
    )
    if server.kind == "tensorflow-model-server" and values.host != "0.0.0.0":
        print(
            "Note: tensorflow_model_server has no option for the address. It listens on all network interfaces.",
            flush=True,
        )
    print(printable(f"Starting the {server.kind} server: {' '.join(server.command)}"), flush=True)
    exporter = subprocess.Popen(_export_command(values, later), stdout=subprocess.DEVNULL) if later else None
    try:
        with server:
            server.wait_until_ready(progress=progress)
            addresses = f"gRPC at {server.grpc}, REST at {server.rest}"
            print(printable(f"Serving {', '.join(models)}: {addresses}. Ctrl-C stops."), flush=True)
            if page:
                print(printable(f"Open {server.rest}/ in a browser to see and try the models."), flush=True)
            assert server.process is not None
            return _serve_new_models(server, Path(values.saved_models)) if watched else server.process.wait()
    except KeyboardInterrupt:
        print("Stopped.")
        return 0
    finally:
        if exporter:
            _stop(exporter)


def _export_missing(values: argparse.Namespace) -> list[str]:
    """Exports the named models of the gallery that are not exported yet, as far as the server needs them at its start.

    Returns the names of the models to export while the server runs.
    """
    from ..models.registry import list_models
    from ..serving.errors import FailedPrecondition, InvalidArgument, NotFound
    from ..serving.launcher import find_models

    if values.all and values.names:
        raise InvalidArgument("--all cannot be combined with names")
    root = Path(values.saved_models)
    try:
        exported = set(find_models(root))
    except NotFound:
        exported = set()
    if values.all:
        missing = [name for name in pretrained.names() if name not in exported]
        now, later = (missing, []) if values.kind == "container" else (missing[: not exported], missing[not exported :])
    else:
        now, later = [name for name in values.names if name not in exported and name in list_models()], []
    status = 0
    if now:
        exporter = subprocess.Popen(_export_command(values, now))
        try:
            status = exporter.wait()
        finally:
            _stop(exporter)
    if status < 0:
        raise FailedPrecondition(f"The export ended by signal {-status}. Is there enough memory?")
    if status:
        raise SystemExit(status)  # the other process has printed the error
    return later


def _stop(exporter: subprocess.Popen[bytes]) -> None:
    """Ends the process that exports models, if it is still running. It first removes the version that it is writing."""
    for number in (None, signal.SIGINT, signal.SIGKILL):  # None: Ctrl-C in a terminal has interrupted it already
        if number is not None:
            exporter.send_signal(number)
        try:
            exporter.wait(EXPORTER_SECONDS)
            return
        except subprocess.TimeoutExpired:
            pass


def _export_command(values: argparse.Namespace, names: Sequence[str]) -> list[str]:
    """Returns the command of another process that exports models: TensorFlow would stay in the memory of this one."""
    folder = ["--saved-models", values.saved_models]
    return [sys.executable, "-P", "-m", "keras_gallery.cli.main", "export", *names, *folder]


def _serve_new_models(server: ServerProcess, root: Path) -> int:
    """Adds models that are exported under new names to the server. Returns the exit status of the server at its end."""
    from ..serving.errors import NotFound
    from ..serving.launcher import find_models

    assert server.process is not None
    problem = ""
    while True:
        try:
            return server.process.wait(WATCH_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        try:
            found = find_models(root)
        except (NotFound, OSError):  # a folder was removed meanwhile, or all folders
            continue
        if new := found.keys() - server.models.keys():
            try:
                server.update(server.models | found)
            except OSError as error:  # such as a full disk: the server goes on, and the next attempt may succeed
                if str(error) != problem:
                    problem = str(error)
                    print(printable(f"Cannot serve {', '.join(sorted(new))}: {problem}"), flush=True)
                continue
            problem = ""
            print(printable(f"Serving also {', '.join(sorted(new))}."), flush=True)


COMMAND = Command(
    "serve exported models over gRPC and REST",
    "Starts a model server with the API of TensorFlow Serving: gRPC at localhost:8500 and REST at "
    "http://localhost:8501. It serves the newest version of each model, until Ctrl-C. Without names, it also serves "
    "models that are exported later. A named model of the gallery that is not exported yet is exported first.",
    [
        "gallery serve",
        "gallery serve --all",
        "gallery serve denoising_autoencoder --port 0 --rest-port 0",
        "gallery serve --flag=--enable_batching --flag=--monitoring_config_file=monitoring.config",
    ],
    _configure,
    _run,
)
