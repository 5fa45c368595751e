"""`gallery serve`: exported models behind gRPC and REST."""

from __future__ import annotations

import argparse
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

HELP = "serve exported models over gRPC and REST"


def configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    from ..serving.launcher import KINDS

    parser.add_argument("names", nargs="*", metavar="name", help="models to serve (default: all that are exported)")
    parser.add_argument("--saved-models", default="saved_models", help="folder of all models (default: saved_models)")
    parser.add_argument(
        "--with",
        dest="kind",
        choices=KINDS,
        default="auto",
        help="the server: the real one as binary or container, or the embedded one; "
        "auto (default) takes the binary where it is found and the embedded one otherwise",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 lets other machines in (default: 127.0.0.1, this machine alone)",
    )
    parser.add_argument("--port", type=port, default=8500, help="gRPC port; 0: any free one (default: 8500)")
    parser.add_argument("--rest-port", type=port, default=8501, help="REST port; 0: any free one (default: 8501)")
    parser.add_argument(
        "--flag", action="append", default=[], metavar="--NAME=VALUE", help="a flag for the server itself; repeatable"
    )


def port(text: str) -> int:
    """A port number; ValueError for what is none."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"Expected a port from 0 to 65535. Received: {text}")
    return int(text)


def check_free(host: str, number: int, option: str) -> int:
    """`number`, or any free port for 0. Raises InvalidArgument if another process listens on it."""
    from ..serving.errors import InvalidArgument
    from ..serving.ports import free_port

    if not number:
        return free_port()
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            raise InvalidArgument(f"Expected a free port for {option}. Received: {number} ({error.strerror})") from None
    return number


def run(values: argparse.Namespace) -> int:
    from ..serving.launcher import ServerProcess, find_models

    models = find_models(Path(values.saved_models), values.names)
    server = ServerProcess(
        values.kind,
        models,
        host=values.host,
        port=check_free(values.host, values.port, "--port"),
        rest_port=check_free(values.host, values.rest_port, "--rest-port"),
        flags=values.flag,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the server is stopped in order
    if server.kind == "tensorflow-model-server" and values.host != "0.0.0.0":
        print("Note: tensorflow_model_server has no option for the address. It listens on all interfaces.", flush=True)
    print(f"Starting the {server.kind} server: {' '.join(server.command)}", flush=True)
    try:
        with server:
            server.wait_until_ready()
            print(
                f"Serving {', '.join(models)}: gRPC at {server.grpc}, REST at {server.rest}. Ctrl-C stops.", flush=True
            )
            assert server.process is not None
            return server.process.wait()
    except KeyboardInterrupt:
        print("Stopped.")
        return 0
