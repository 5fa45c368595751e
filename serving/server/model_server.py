"""The main program of the embedded model server.

    gallery-model-server --port=8500 --rest_api_port=8501 --model_name=m --model_base_path=saved_models/m

With --workers=1 everything runs in one process. With more workers, this process manages the versions of the models
(`lifecycle/manager.py`), and worker processes (`processes/pool.py`) answer requests. Each worker loads all models. None
of these processes imports TensorFlow.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import leftovers, limits
from ..config import flag_table, flags
from ..config.model_config import ModelConfig
from ..engines.openvino import conversion
from ..engines.openvino.conversion import Converter
from ..engines.tensorflow import process as tensorflow_process
from ..engines.tensorflow.process import TensorFlowProcess
from ..errors import ServingError
from ..lifecycle.manager import Manager
from ..lifecycle.versions import State, version_states
from ..observe.metrics import Metrics
from ..observe.prometheus import Snapshot, add_value, merge, text
from ..ports import PortInUse, listen_unix, remove_unix, reserve
from ..printable import printable
from ..processes.channel import Cancellable, Methods
from ..processes.control import LocalControl, Reloads
from ..processes.pool import WorkerPool
from ..system import CAN_SHARE_PORTS, ignore_hangup, on_signal
from . import config_watcher, node
from .config_watcher import ConfigWatcher
from .log import set_up_logging
from .loop import exit_in, exit_now, run
from .node import Node
from .settings import Settings

log = logging.getLogger(__name__)
FEW_CONNECTIONS = 1000
OPEN_SECONDS = 30.0  # the ports open after this time, even if some models are still loading
STOP_SECONDS = 5.0  # time limit to unload the models, after the requests in progress


class ModelServer:
    """The server: loads models, answers requests, and stops after the requests in progress.

    Args:
        configs: the models to serve.
        values: the flags, parsed by `flags.parse`.
        arguments: the command line with the same flags.

    Attributes:
        has_failed: whether the server has stopped because no worker process could be started for some minutes.

    Raises:
        InvalidArgument: a configuration file is invalid, or the request log can't be written.
        PortInUse: a port can't be used.
    """

    def __init__(self, configs: Sequence[ModelConfig], values: argparse.Namespace, arguments: Sequence[str]) -> None:
        if not CAN_SHARE_PORTS and values.workers != 1:
            log.warning("One process answers all requests, because processes cannot share a port on this system.")
            values.workers = 1
        self._flags = values
        self._settings = Settings.read(values)
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.has_failed = False
        self._node: Node | None = None
        self._pool: WorkerPool | None = None
        socket_path = "" if values.check else values.grpc_socket_path
        self._ports = [] if values.check else reserve_ports(values)  # another server may run with the same flags
        self._unix = listen_unix(socket_path) if socket_path else None
        self._unix_file = os.stat(socket_path) if socket_path else None
        self._tensorflow = TensorFlowProcess(
            values.tensorflow_intra_op_parallelism or values.tensorflow_session_parallelism,
            values.tensorflow_inter_op_parallelism or values.tensorflow_session_parallelism,
            sandbox=values.restrict_models,
        )
        self._files = node.openvino_files(values)
        leftovers.remove_abandoned(tensorflow_process.FOLDER)
        leftovers.remove_abandoned(conversion.PARTIAL, self._files.cache)
        self._converter = Converter(self._files, niceness=10)
        count = values.workers or flag_table.CORES
        if count == 1:
            self._node = Node(
                values,
                self._settings,
                self._tensorflow.address,
                name="server",
                changed=lambda folder: self._manager.files_changed(folder),
            )
            self._own_metrics = self._node.metrics
        else:
            self._own_metrics = Metrics("manager")
            self._pool = WorkerPool(
                arguments,
                self._settings,
                count,
                self._methods(),
                self._unix,
                grace_seconds=values.shutdown_grace_seconds,
                reports=lambda: self._manager,
                is_dead=self._fail,
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
        self._watcher = ConfigWatcher(values, self._manager, configs)

    def _fail(self) -> None:
        """Stops the server with an exit status, because no worker can be started. Call it from any thread."""
        self.has_failed = True
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stop.set)

    def _methods(self) -> Methods:
        """Returns the methods that workers may call."""
        return {
            "status": lambda *arguments: self._manager.status(*arguments),
            "reload": Cancellable(Reloads(lambda: self._manager)),
            "models": lambda: self._manager.models(),
            "metrics": self._metrics,
            "files_changed": lambda folder: self._manager.files_changed(folder),
            "tensorflow_address": self._tensorflow.address,
        }

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT, then waits for the requests in progress."""
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            on_signal(self._loop, number, self._stop.set)
        starting = asyncio.create_task(self._start())
        try:
            stopped = asyncio.create_task(self._stop.wait())
            await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                await starting  # raises its error
                await stopped
            log.info("stopping: waiting up to %d s for requests in progress", self._flags.shutdown_grace_seconds)
        finally:
            starting.cancel()
            self._watcher.stop()
            exit_in(self._flags.shutdown_grace_seconds + 4 * STOP_SECONDS)
            if self._unix and self._unix_file:  # first, so that new clients are refused
                remove_unix(self._flags.grpc_socket_path, self._unix_file)
                self._unix.close()
            await self._close()
            for each in self._ports:
                each.close()
        log.info("stopped")

    async def check(self) -> bool:
        """Loads the models, and prints the state of each version. Opens no port.

        Returns whether each model has an available version.
        """
        assert self._node is not None
        self._manager.start()
        try:
            while not await asyncio.to_thread(self._manager.wait_until_settled, 0.1):
                pass
            found = self._manager.models()
        finally:
            await self._close()
        for model in found:
            for each in model.versions:
                print(printable(f"{model.name} version {each.number}: {each.state.name} {each.error_message}".rstrip()))
            if not model.versions:
                print(printable(f"{model.name}: no version"))
        return all(any(each.state == State.AVAILABLE for each in model.versions) for model in found)

    async def _start(self) -> None:
        """Loads the models and opens the ports."""
        if self._pool:
            self._pool.start()
        self._manager.start()
        end = asyncio.get_running_loop().time() + OPEN_SECONDS
        while not await asyncio.to_thread(self._manager.wait_until_settled, 0.1):
            if asyncio.get_running_loop().time() > end:
                log.warning("some models are still loading after %g s: opening the ports", OPEN_SECONDS)
                break
        await self._open()
        self._watcher.start()

    async def _open(self) -> None:
        if self._pool:
            await asyncio.to_thread(self._pool.open)
        elif self._node:
            await self._node.open(LocalControl(self._manager, self._metrics), self._unix)
        if self._flags.port:
            log.info("Running gRPC ModelServer at %s:%d", self._flags.host, self._flags.port)
        if tokens_are_readable(self._flags, self._settings):
            log.warning(
                "Clients of %s send their tokens unencrypted. To encrypt them: --ssl_config_file and "
                "--rest_api_ssl_config_file, or a proxy with TLS on this machine and --host=127.0.0.1",
                self._flags.host,
            )
        if anyone_can_reload(self._flags, self._settings):
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
        await asyncio.to_thread(self._manager.stop, STOP_SECONDS)
        if self._node:
            self._node.close()
        self._tensorflow.close()

    def _improve(self, folder: Path) -> bool:
        """Converts a SavedModel for OpenVINO, unless it is already converted.

        Returns whether the conversion was necessary, and OpenVINO can now run at least one signature.
        """
        index = self._files.of(folder)
        return (index is None or not index.complete) and self._converter.prepare(folder)

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


def tokens_are_readable(values: argparse.Namespace, settings: Settings) -> bool:
    """Returns whether clients on other machines send tokens to a port without TLS."""
    if not values.auth_tokens_file or node.is_loopback(values.host):
        return False
    ports = {"grpc": values.port, "rest": values.rest_api_port}
    return any(port and name not in settings.tls for name, port in ports.items())


def anyone_can_reload(values: argparse.Namespace, settings: Settings) -> bool:
    """Returns whether a client on another machine can replace the models without a token or client certificate."""
    if not values.allow_reload or not values.port or values.auth_tokens_file or node.is_loopback(values.host):
        return False
    grpc = settings.tls.get("grpc")
    return grpc is None or not grpc.client_verify


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command `gallery-model-server`.

    Returns the exit status: 0 after --version, after a successful --check, or after a stop by SIGTERM or SIGINT, 1 if a
    model has no available version (--check) or no worker process could be started for some minutes, 2 for invalid
    settings or a port in use, 130 for SIGINT before the server has started.
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
        ignore_hangup()
        if values.check:
            values.workers = 1
        server = ModelServer(config_watcher.models_of(values), values, arguments)
        if values.check:
            exit_now(0 if run(server.check()) else 1)
        run(server.run())
    except (ValueError, ServingError, PortInUse) as error:
        print(f"gallery-model-server: {printable(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    exit_now(1 if server.has_failed else 0)  # a normal exit would wait for threads, or stop them in native code


if __name__ == "__main__":
    sys.exit(main())
