"""Runs h2corn, the HTTP server in Rust that receives the gRPC and REST requests of a process.

h2corn reads and writes HTTP/1.1, HTTP/2 and TLS outside of Python, with the limits below. On the event loop of the
process, it calls the ASGI applications of the two APIs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import socket
import tempfile
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

import h2corn._lib
from h2corn import Config, Server

from .. import limits
from ..config import channel_arguments
from ..config.flag_table import CORES
from ..config.server_config import Ssl
from ..errors import InvalidArgument
from ..limits import Budget
from ..ports import listen
from ..system import is_unix
from .grpc.application import GrpcApplication
from .grpc.services import GrpcApi
from .rest.application import RestApi

STREAMS = 512  # concurrent requests on an HTTP/2 connection; the client sends more requests when one of these has ended
HANDSHAKE_SECONDS = 20.0  # timeout from the start of a connection to its first bytes
HEAD_SECONDS = 120.0  # time without a byte of the next request: timeout for heads, and for idle HTTP/1.1 connections
IDLE_SECONDS = 600.0  # an HTTP/2 connection without requests is closed after this time; clients reconnect
ANSWER_SECONDS = 60.0  # timeout for the client to read an answer
MAX_HEAD_BYTES = 64 << 10  # request line and headers
MAX_METADATA_BYTES = 16 << 10  # headers of a gRPC call, as in gRPC
CONNECTION_BYTES = 32 << 10  # memory of an idle connection
WINDOW_BYTES = 1 << 20  # bytes of a body that may arrive before the application has read them
CALL_BYTES = 16 << 10  # memory of a request that waits for its body, or for the client to read a small answer
RESTART_SECONDS = 1.0  # pause before a server that has failed is started again
EXTRA_SECONDS = 3.0  # time for the answers to the requests that are ended when the server stops

log = logging.getLogger(__name__)
h2corn._lib.emit_banner = lambda *_: None  # the server writes its own lines to the log


class Front:
    """The servers of the gRPC and REST APIs in one process.

    Args:
        grpc_api: answers gRPC calls.
        rest_api: answers HTTP requests.
        values: the values of the server's flags.
        budget: the memory budget of all requests.
        tls: keys and certificates by socket, "grpc" or "rest". A socket without an entry is not encrypted.
    """

    def __init__(
        self, grpc_api: GrpcApi, rest_api: RestApi, values: argparse.Namespace, budget: Budget, tls: Mapping[str, Ssl]
    ) -> None:
        self._flags = values
        self._grpc_api, self._rest_api = grpc_api, rest_api
        arguments = channel_arguments.parse(values.grpc_channel_arguments)
        max_bytes = min(values.max_request_bytes, arguments.max_message_bytes or values.max_request_bytes)
        self._grpc: GrpcApplication = grpc_api.application(max_bytes, budget)
        self._tls = tls
        self._sockets: dict[str, socket.socket] = {}
        self._servers: dict[str, Server] = {}
        self._serving: list[asyncio.Task[None]] = []
        self._stopping = False

    async def open(self, unix: socket.socket | None) -> None:
        """Answers requests on the ports, and on a listening Unix socket. Closes the Unix socket at the end."""
        workers = self._flags.workers or CORES
        for name, port in (("grpc", self._flags.port), ("rest", self._flags.rest_api_port)):
            if port:
                self._sockets[name] = listen(self._flags.host, port, workers)
        if unix:
            self._sockets["grpc_unix"] = unix
        try:
            for name, listening in self._sockets.items():
                running = await self._start(name, listening)
                self._serving.append(asyncio.create_task(self._keep(name, listening, running)))
        except BaseException:
            self._stopping = True
            for server in self._servers.values():
                server.shutdown()
            await self._close()
            raise

    async def _start(self, name: str, listening: socket.socket) -> asyncio.Task[None]:
        """Starts a server on a listening socket. The task ends when the server ends, with an error if it has failed."""
        is_rest = name == "rest"
        with contextlib.ExitStack() as stack:
            files: dict[str, Any] = {}
            if name in self._tls:  # the folder is private to this user; h2corn reads the files at once
                files = _files(self._tls[name], Path(stack.enter_context(tempfile.TemporaryDirectory())))
            settings = rest_settings(self._flags) if is_rest else grpc_settings(self._flags)
            config = Config(bind=(f"fd://{listening.fileno()}",), **settings, **files)
            application: Any = self._rest_api if is_rest else self._grpc
            server = self._servers[name] = Server(application, config)
            running = asyncio.create_task(server.serve())
            try:
                await server.wait_started()
            except Exception as error:
                await asyncio.gather(running, return_exceptions=True)
                if not files or not isinstance(error, OSError):
                    raise
                # rustls does not accept every key that OpenSSL accepts
                raise InvalidArgument(f"Cannot use the keys of the SSLConfig for {name}: {error}") from None
        return running

    async def _keep(self, name: str, listening: socket.socket, running: Awaitable[None]) -> None:
        """Waits until a server has ended. If the server has failed, starts another one on the same socket.

        If no file descriptor is left for a new connection, h2corn closes all connections and fails.
        """
        while not self._stopping:
            try:
                await running
                return
            except Exception as error:
                log.error("the %s server failed, and is started again: %s", name, error)
            await asyncio.sleep(RESTART_SECONDS)
            running = self._start_again(name, listening)

    async def _start_again(self, name: str, listening: socket.socket) -> None:
        await (await self._start(name, listening))

    async def drain(self) -> None:
        """Stops accepting requests and waits up to --shutdown_grace_seconds for the requests in progress.

        Then ends the remaining requests with UNAVAILABLE or status 503.
        """
        self._stopping = True
        self._grpc_api.stop()
        self._rest_api.stop()
        for server in self._servers.values():
            server.shutdown()
        for each in self._sockets.values():
            if not is_unix(each):  # all workers share the Unix socket
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)  # new clients are refused, instead of waiting until the end
        if not self._serving:
            return
        await asyncio.wait(self._serving, timeout=self._flags.shutdown_grace_seconds)
        self._grpc.expire()
        self._rest_api.expire()
        await self._close()

    async def _close(self) -> None:
        """Waits until all servers have ended, and closes the sockets."""
        await asyncio.gather(*self._serving, return_exceptions=True)
        for each in self._sockets.values():
            each.close()


def rest_settings(values: argparse.Namespace) -> dict[str, Any]:
    """Returns the settings of h2corn for the REST API."""
    memory = limits.share_of_memory(values.workers or CORES)
    return {
        "lifespan": "off",
        "access_log": False,
        "runtime_threads": 1,
        "loop": "asyncio",
        "timeout_graceful_shutdown": values.shutdown_grace_seconds + EXTRA_SECONDS,
        "limit_connections": min(limits.connections(), max(memory // CONNECTION_BYTES, 2 * STREAMS)),
        "limit_concurrency": max(memory // CALL_BYTES, 2 * STREAMS),
        "max_request_body_size": 0,  # the applications limit the size, with TensorFlow Serving's error
        "max_concurrent_streams": STREAMS,
        "limit_request_head_size": MAX_HEAD_BYTES,
        "limit_request_line": MAX_HEAD_BYTES,
        "limit_request_field_size": MAX_HEAD_BYTES,
        "h2_max_header_list_size": MAX_HEAD_BYTES,
        "h2_max_header_block_size": MAX_HEAD_BYTES,
        "h2_initial_stream_window_size": WINDOW_BYTES,
        "h2_initial_connection_window_size": 2 * WINDOW_BYTES,
        "timeout_handshake": HANDSHAKE_SECONDS,
        "timeout_request_header": HEAD_SECONDS,
        "timeout_keep_alive": IDLE_SECONDS,
        "h2_timeout_response_stall": ANSWER_SECONDS,
        "h2_timeout_write": ANSWER_SECONDS,
    }


def grpc_settings(values: argparse.Namespace) -> dict[str, Any]:
    """Returns the settings of h2corn for the gRPC API.

    Raises ValueError if h2corn does not accept a value from --grpc_channel_arguments.
    """
    arguments = channel_arguments.parse(values.grpc_channel_arguments)
    own = {"grpc": True, "http1": False, "date_header": False, "h2_max_header_list_size": MAX_METADATA_BYTES}
    settings = rest_settings(values) | own
    for setting, value in arguments.settings.items():
        try:
            Config(**settings | {setting: value})
        except ValueError as error:
            reason = str(error).replace(setting, arguments.names[setting])
            raise ValueError(f"--grpc_channel_arguments: {reason}") from None
        settings[setting] = value
    return settings


def _files(tls: Ssl, folder: Path) -> dict[str, Any]:
    """Writes keys and certificates to files. Returns the settings with their paths."""
    settings: dict[str, Any] = {"cert_reqs": "required" if tls.client_verify else "none"}
    contents = {"certfile": tls.server_cert, "keyfile": tls.server_key, "ca_certs": tls.custom_ca}
    for setting, content in contents.items():
        if content and (setting != "ca_certs" or tls.client_verify):
            settings[setting] = folder / setting
            settings[setting].write_text(content)
    return settings
