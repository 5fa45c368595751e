"""Runs the gRPC server and the HTTP server of a process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import socket
from pathlib import Path

import grpc
import uvicorn

from .. import limits
from ..config import flags
from ..config.flag_table import CORES
from ..ports import PortInUse, listen
from .grpc import limits as grpc_limits
from .grpc.memory_budget import MessageMemory
from .grpc.services import GrpcApi
from .http import protocol as http_protocol
from .rest.application import RestApi

log = logging.getLogger(__name__)


class Listeners:
    """Opens and drains the gRPC server and the HTTP server of a process together.

    Args:
        grpc_api: answers gRPC calls.
        rest_api: answers HTTP requests.
        values: the values of the server's flags.
        credentials: TLS credentials for gRPC. None for no TLS.
        first: whether this process also listens on the Unix socket. Processes cannot share the socket.
    """

    def __init__(
        self,
        grpc_api: GrpcApi,
        rest_api: RestApi,
        values: argparse.Namespace,
        *,
        credentials: grpc.ServerCredentials | None = None,
        first: bool = True,
    ) -> None:
        self._flags = values
        self._grpc_api, self._rest_api = grpc_api, rest_api
        self._credentials = credentials
        self._first = first
        self._grpc: grpc.aio.Server | None = None
        self._rest: uvicorn.Server | None = None
        self._sockets: list[socket.socket] = []
        self._serving: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Opens the ports and starts to answer requests. Raises PortInUse if a port is in use."""
        if self._flags.rest_api_port:
            self._sockets = [listen(self._flags.host, self._flags.rest_api_port)]
            self._rest = self._rest_server()
            self._serving = asyncio.create_task(self._rest.serve(self._sockets))
        if self._flags.port or self._flags.grpc_socket_path:
            self._grpc = self._grpc_server()
            await self._grpc.start()

    async def drain(self) -> None:
        """Stops accepting requests and waits up to --shutdown_grace_seconds for the requests in progress."""
        if self._rest:
            self._rest_api.stop()
            self._rest.should_exit = True
        if self._grpc:
            self._grpc_api.stop()
            await self._grpc.stop(self._flags.shutdown_grace_seconds)
        if self._serving:
            await self._serving
        for each in self._sockets:
            each.close()

    def _grpc_server(self) -> grpc.aio.Server:
        processes = self._flags.workers or CORES
        options = {
            **grpc_limits.options(self._flags.max_request_bytes),
            "grpc.so_reuseport": 1,  # worker processes share the port
            **dict(flags.channel_arguments(self._flags.grpc_channel_arguments)),
        }
        server = grpc.aio.server(
            options=list(options.items()),
            maximum_concurrent_rpcs=grpc_limits.calls(processes),
        )
        memory = MessageMemory(self._flags.max_request_bytes, limits.Budget(limits.share_of_memory(processes)))
        server.add_generic_rpc_handlers(tuple(self._grpc_api.services(memory)))
        host = f"[{self._flags.host}]" if ":" in self._flags.host else self._flags.host  # IPv6
        addresses = [f"{host}:{self._flags.port}"] if self._flags.port else []
        if self._flags.grpc_socket_path and self._first:
            with contextlib.suppress(FileNotFoundError):
                if Path(self._flags.grpc_socket_path).is_socket():
                    os.unlink(self._flags.grpc_socket_path)  # left behind by a killed server
            addresses.append(f"unix:{self._flags.grpc_socket_path}")
        for address in addresses:
            try:
                if self._credentials is None or address.startswith("unix:"):
                    server.add_insecure_port(address)
                else:
                    server.add_secure_port(address, self._credentials)
            except RuntimeError:
                raise PortInUse(f"The gRPC address {address} is already in use.") from None
        return server

    def _rest_server(self) -> uvicorn.Server:
        config = uvicorn.Config(
            self._rest_api,
            http=http_protocol.bounded(self._flags.max_request_bytes, self._flags.workers or CORES),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=self._flags.shutdown_grace_seconds,
        )
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[assignment, method-assign]
        return server
