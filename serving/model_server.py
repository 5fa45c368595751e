"""The embedded model server: from flags to a server that runs until it is told to stop.

    gallery-model-server --port=8500 --rest_api_port=8501 --model_name=m --model_base_path=saved_models/m

One process, one event loop: both faces call the same core. TensorFlow is never imported here.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import grpc
import uvicorn

from . import flags, model_config, servable
from .engines import OpenVino, TensorFlow
from .errors import ServingError
from .grpc_api import GrpcApi
from .inference import Inference
from .manager import Manager
from .model_config import ModelConfig
from .rest_api import RestApi

log = logging.getLogger(__name__)


class PortInUse(Exception):
    """A port that another process listens on, or that may not be had."""


class ModelServer:
    """Loads models, answers on two ports, drains and stops.

    Args:
        configs: the models.
        values: the flags, as `flags.parse` gives them.
    """

    def __init__(self, configs: Sequence[ModelConfig], values: argparse.Namespace) -> None:
        self._flags = values
        self._engines = (OpenVino(), TensorFlow())
        self._manager = Manager(
            configs,
            functools.partial(servable.load, engines=self._engines, warm=values.enable_model_warmup),
            poll_seconds=values.file_system_poll_wait_seconds,
            retries=values.max_num_load_retries,
            retry_seconds=values.load_retry_interval_micros / 1e6,
        )
        self._inference = Inference(self._manager)

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT, then lets the requests in flight end. Raises PortInUse."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        grpc_server = self._grpc_server() if self._flags.port else None
        sockets = [listen(self._flags.host, self._flags.rest_api_port)] if self._flags.rest_api_port else []
        self._manager.start()
        try:
            await self._until_settled(stop)
            if stop.is_set():
                return
            rest = self._rest_server()
            running = asyncio.create_task(rest.serve(sockets)) if sockets else None
            if grpc_server:
                await grpc_server.start()
                log.info("Running gRPC ModelServer at %s:%d", self._flags.host, self._flags.port)
            if running:
                log.info("Exporting HTTP/REST API at %s:%d", self._flags.host, self._flags.rest_api_port)
            await stop.wait()
            log.info("draining: requests in flight have %d s", self._flags.shutdown_grace_seconds)
            rest.should_exit = True
            if grpc_server:
                await grpc_server.stop(self._flags.shutdown_grace_seconds)
            if running:
                await running
        finally:
            self._inference.close()
            await asyncio.to_thread(self._manager.stop)
            for engine in self._engines:
                engine.close()
            for each in sockets:
                each.close()
        log.info("stopped")

    async def _until_settled(self, stop: asyncio.Event) -> None:
        """Waits until each model has a version to serve, or is known to have none."""
        while not stop.is_set():
            if await asyncio.to_thread(self._manager.wait_until_settled, 0.1):
                return

    def _grpc_server(self) -> grpc.aio.Server:
        limit = self._flags.max_request_bytes
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", limit),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # a second server on the port is an error
                *flags.channel_arguments(self._flags.grpc_channel_arguments),
            ]
        )
        api = GrpcApi(self._inference, as_content=self._flags.enable_serialization_as_tensor_content)
        server.add_generic_rpc_handlers(tuple(api.services()))
        address = f"{self._flags.host}:{self._flags.port}"
        try:
            server.add_insecure_port(address)
        except RuntimeError:
            raise PortInUse(f"Expected a free port for --port. Received: {address}, which is in use") from None
        return server

    def _rest_server(self) -> uvicorn.Server:
        config = uvicorn.Config(
            RestApi(
                self._inference,
                max_request_bytes=self._flags.max_request_bytes,
                cors=self._flags.rest_api_enable_cors_support,
            ),
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=self._flags.shutdown_grace_seconds,
        )
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[assignment, method-assign]
        return server


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; PortInUse where there is none to be had."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise PortInUse(
            f"Expected a free port for --rest_api_port. Received: {host}:{port} ({error.strerror})"
        ) from None
    return made


def models_of(values: argparse.Namespace) -> list[ModelConfig]:
    """The models that the flags name. Raises InvalidArgument for a bad model config file."""
    if values.model_config_file:
        return model_config.parse_config_file(Path(values.model_config_file))
    return [ModelConfig(values.model_name, Path(values.model_base_path).absolute())]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status: 0 stopped as told, 2 for flags or ports that can't be had."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for chatty in ("uvicorn.error", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        values = flags.parse(sys.argv[1:] if arguments is None else arguments)
        server = ModelServer(models_of(values), values)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(server.run())
    except (ValueError, ServingError, PortInUse) as error:
        print(f"gallery-model-server: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # Windows
        return None
    return uvloop.Loop  # type: ignore[no-any-return]


if __name__ == "__main__":
    sys.exit(main())
