"""The main program of the embedded model server.

    gallery-model-server --port=8500 --rest_api_port=8501 --model_name=m --model_base_path=saved_models/m

With --workers=1 everything runs in one process. With more workers, this process manages the versions of the models
(`lifecycle/manager.py`), and worker processes (`processes/pool.py`) answer requests. Each worker loads all models. None
of these processes imports TensorFlow.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import limits
from ..config import flag_table, flags, model_config
from ..config.model_config import ModelConfig
from ..engines.openvino.conversion import Converter
from ..engines.tensorflow.process import TensorFlowProcess
from ..errors import ServingError
from ..lifecycle.manager import Manager
from ..lifecycle.versions import version_states
from ..observe.metrics import Metrics
from ..observe.prometheus import Snapshot, add_value, merge, text
from ..ports import PortInUse, listen_unix, reserve
from ..printable import printable
from ..processes.control import LocalControl, reload
from ..processes.pool import WorkerPool
from . import node
from .log import set_up_logging
from .loop import run
from .node import Node

log = logging.getLogger(__name__)
FEW_CONNECTIONS = 1000


class ModelServer:
    """The server: loads models, answers requests, and stops after the requests in progress.

    Args:
        configs: the models to serve.
        values: the flags, parsed by `flags.parse`.
        arguments: the command line with the same flags.

    Raises:
        InvalidArgument: a configuration file is invalid, or the request log can't be written.
        PortInUse: a port can't be used.
    """

    def __init__(self, configs: Sequence[ModelConfig], values: argparse.Namespace, arguments: Sequence[str]) -> None:
        self._flags = values
        self._node: Node | None = None
        self._pool: WorkerPool | None = None
        self._ports = reserve_ports(values)
        self._unix = listen_unix(values.grpc_socket_path) if values.grpc_socket_path else None
        self._tensorflow = TensorFlowProcess(
            values.tensorflow_intra_op_parallelism or values.tensorflow_session_parallelism,
            values.tensorflow_inter_op_parallelism or values.tensorflow_session_parallelism,
            sandbox=values.restrict_models,
        )
        self._files = node.openvino_files(values)
        self._converter = Converter(self._files, niceness=10)
        count = values.workers or flag_table.CORES
        if count == 1:
            self._node = Node(values, self._tensorflow.address, name="server")
            self._own_metrics = self._node.metrics
        else:
            node.check(values)
            self._own_metrics = Metrics("manager")
            self._pool = WorkerPool(
                arguments, count, self._methods(), self._unix, grace_seconds=values.shutdown_grace_seconds
            )
        self._manager: Manager = Manager(
            configs,
            self._pool or self._node.host,  # type: ignore[union-attr]
            poll_seconds=values.file_system_poll_wait_seconds,
            retries=values.max_num_load_retries,
            retry_seconds=values.load_retry_interval_micros / 1e6,
            load_threads=values.num_load_threads or flag_table.CORES,
            unload_threads=values.num_unload_threads or 32,
            early_labels=values.allow_version_labels_for_unavailable_models,
            improve=self._improve if values.convert_to_openvino else lambda folder: False,
        )

    def _methods(self) -> dict[str, Callable[..., Any]]:
        """Returns the methods that workers may call."""
        return {
            "status": lambda *arguments: self._manager.status(*arguments),
            "reload": lambda config: reload(self._manager, config),
            "models": lambda: self._manager.models(),
            "metrics": self._metrics,
            "tensorflow_address": self._tensorflow.address,
        }

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT, then waits for the requests in progress."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        try:
            if self._pool:
                self._pool.start()
            self._manager.start()
            await self._until_settled(stop)
            if not stop.is_set():
                await self._open()
                watching = asyncio.create_task(self._watch_config()) if self._flags.model_config_file else None
                await stop.wait()
                log.info("stopping: waiting up to %d s for requests in progress", self._flags.shutdown_grace_seconds)
                if watching:
                    watching.cancel()
        finally:
            if self._unix:  # first, so that new clients are refused
                self._unix.close()
                Path(self._flags.grpc_socket_path).unlink(missing_ok=True)
            await self._close()
            for each in self._ports:
                each.close()
        log.info("stopped")

    async def _until_settled(self, stop: asyncio.Event) -> None:
        """Waits until each model has an available version or has failed."""
        while not stop.is_set():
            if await asyncio.to_thread(self._manager.wait_until_settled, 0.1):
                return

    async def _open(self) -> None:
        if self._pool:
            await asyncio.to_thread(self._pool.open)
        elif self._node:
            await self._node.open(LocalControl(self._manager, self._metrics), self._unix)
        if self._flags.port:
            log.info("Running gRPC ModelServer at %s:%d", self._flags.host, self._flags.port)
        if anyone_can_reload(self._flags):
            log.warning(
                "Any client that reaches %s:%d can replace the models with HandleReloadConfigRequest. To forbid this: "
                "--allow_reload=false",
                self._flags.host,
                self._flags.port,
            )
        if self._flags.rest_api_port:
            log.info("Exporting HTTP/REST API at %s:%d", self._flags.host, self._flags.rest_api_port)

    async def _close(self) -> None:
        if self._pool:
            await asyncio.to_thread(self._pool.drain)
        elif self._node:
            await self._node.drain()
        self._converter.close()
        await asyncio.to_thread(self._manager.stop)
        if self._node:
            self._node.close()
        self._tensorflow.close()

    async def _watch_config(self) -> None:
        """Reads the model config file regularly. If the file has changed, serves the models in the file."""
        if not self._flags.model_config_file_poll_wait_seconds:
            return
        path = Path(self._flags.model_config_file)
        served = await asyncio.to_thread(models_of, self._flags)
        while True:
            await asyncio.sleep(self._flags.model_config_file_poll_wait_seconds)
            try:
                wanted = await asyncio.to_thread(models_of, self._flags)
                if wanted != served:
                    served = wanted
                    log.info("%s has changed: reloading", path)
                    await asyncio.to_thread(self._manager.reload, wanted)
            except ServingError as error:
                log.error("%s: %s", path, error)

    def _improve(self, folder: Path) -> bool:
        """Converts a SavedModel for OpenVINO, unless it is already converted.

        Returns whether the conversion was necessary, and OpenVINO can now run at least one signature.
        """
        return self._files.of(folder) is None and self._converter.prepare(folder)

    def _metrics(self) -> str:
        """Returns the metrics of all processes, as Prometheus text."""
        snapshots = [self._own_metrics.snapshot(), version_states(self._manager.models())]
        if self._pool:
            restarts: Snapshot = {}
            add_value(restarts, "keras_gallery:worker_restarts_total", (), self._pool.restarts)
            snapshots += [*self._pool.metrics(), restarts]
        return text(merge(snapshots))


def reserve_ports(values: argparse.Namespace) -> list[socket.socket]:
    """Reserves the ports of the flags, until the sockets are closed. Raises PortInUse if a port can't be used."""
    held: list[socket.socket] = []
    try:
        for flag in ("port", "rest_api_port"):
            if port := getattr(values, flag):
                held.append(reserve(values.host, port, flag))
    except BaseException:
        for each in held:
            each.close()
        raise
    return held


def anyone_can_reload(values: argparse.Namespace) -> bool:
    """Returns whether a client on another machine can replace the models without a client certificate."""
    if not values.allow_reload or not values.port or values.host == "localhost":
        return False
    try:
        if ipaddress.ip_address(values.host).is_loopback:
            return False
    except ValueError:  # a host name
        pass
    grpc = node.tls(values).get("grpc")
    return grpc is None or not grpc.client_verify


def models_of(values: argparse.Namespace) -> list[ModelConfig]:
    """Returns the models that the flags name. Raises InvalidArgument for an invalid model config file."""
    if values.model_config_file:
        return model_config.parse_config_file(Path(values.model_config_file))
    return [ModelConfig(values.model_name, Path(values.model_base_path).absolute())]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command `gallery-model-server`.

    Returns the exit status: 0 after --version or after a stop by SIGTERM or SIGINT, 2 for invalid settings or a port
    in use, 130 for SIGINT before the server has started.
    """
    set_up_logging()
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        values = flags.parse(arguments)
        if values.version:
            print(flags.version_text())
            return 0
        flags.warn_of_ignored(values)
        limits.raise_open_files()
        if limits.connections() < FEW_CONNECTIONS:
            log.warning(
                "Each API of a process can have only %d connections. To allow more, raise the limit on open files "
                "(ulimit -n).",
                limits.connections(),
            )
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # this server does not reopen its logs on SIGHUP
        run(ModelServer(models_of(values), values, arguments).run())
    except (ValueError, ServingError, PortInUse) as error:
        print(f"gallery-model-server: {printable(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
