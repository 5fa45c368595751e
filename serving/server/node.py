"""A process that answers requests: engines, the models that are loaded, the core, both faces."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path

import grpc

from ..api.grpc.services import GrpcApi
from ..api.listeners import Listeners
from ..api.openapi import document as openapi
from ..api.openapi import page as openapi_page
from ..api.rest.application import RestApi
from ..config import server_config
from ..config.flag_table import CORES
from ..config.server_config import BatchingParameters
from ..core.inference import Inference
from ..core.loader import Batching, Loader
from ..core.served_models import ServedModels
from ..engines.base import Engine
from ..engines.openvino.engine import OpenVino
from ..engines.openvino.files import OpenVinoFiles
from ..engines.tensorflow.engine import TensorFlow
from ..engines.tflite import TfLite
from ..lifecycle.host import LocalHost
from ..observe.observer import observer_of
from ..processes.control import Control
from . import credentials


class Node:
    """One of the server's worker processes, or the whole server where there is one process.

    Args:
        values: the flags.
        tensorflow_address: where the TensorFlow process listens; starts it if need be.
        name: what the metrics call this process.
        first: whether it has what can't be shared (the Unix socket).

    Attributes:
        host: loads models into this process.
        metrics: its numbers.

    Raises:
        InvalidArgument: a configuration file that makes no sense, a request log that can't be written.
    """

    def __init__(
        self, values: argparse.Namespace, tensorflow_address: Callable[[], str], *, name: str, first: bool = True
    ) -> None:
        self._flags = values
        self._first = first
        self._credentials = tls(values)
        self._metrics_path = metrics_path(values)
        self._observer = observer_of(values, name)
        self.metrics = self._observer.metrics
        tags = values.saved_model_tags.split(",")
        tensorflow = TensorFlow(tensorflow_address, tags)
        self._engines: tuple[Engine, ...] = (tensorflow,)
        if values.convert_to_openvino:
            openvino = OpenVino(openvino_files(values), tensorflow, threads_of_a_run(values))
            self._engines = (openvino, tensorflow)
        if values.prefer_tflite_model:
            self._engines = (TfLite(), *self._engines)
        self._batching: Batching | None = None
        if values.enable_batching:
            self._batching = Batching(
                batching_parameters(values), per_model=values.enable_per_model_batching_parameters
            )
        self._models = ServedModels()
        load = Loader(
            self._engines,
            self.metrics,
            tags=tags,
            tflite=values.prefer_tflite_model,
            warmups=max(values.num_request_iterations_for_warmup, 1) if values.enable_model_warmup else 0,
            batching=self._batching,
        )
        self.host = LocalHost(load, self._models)
        self._inference = Inference(
            self._models, threads(values), check_methods=values.enable_signature_method_name_check
        )
        self._faces: Listeners | None = None

    async def open(self, control: Control) -> None:
        """Begins to answer. Raises PortInUse."""
        grpc_api = GrpcApi(
            self._inference,
            control,
            self._observer,
            as_content=self._flags.enable_serialization_as_tensor_content,
            health=self._flags.enable_grpc_healthcheck_service,
            reflection=self._flags.enable_grpc_reflection,
        )
        rest_api = RestApi(
            self._inference,
            control,
            self._observer,
            max_request_bytes=self._flags.max_request_bytes,
            cors=self._flags.rest_api_enable_cors_support,
            timeout_seconds=self._flags.rest_api_timeout_in_ms / 1000,
            metrics_path=self._metrics_path,
            routes={"/openapi.json": self._openapi, "/docs": self._docs},
        )
        self._faces = Listeners(grpc_api, rest_api, self._flags, credentials=self._credentials, first=self._first)
        await self._faces.open()

    async def _openapi(self) -> tuple[int, str, bytes]:
        return 200, "application/json", json.dumps(openapi.document(self._versions()), indent=1).encode()

    async def _docs(self) -> tuple[int, str, bytes]:
        address = f"http://localhost:{self._flags.rest_api_port}"
        return 200, "text/html; charset=utf-8", openapi_page.page(self._versions(), address).encode()

    def _versions(self) -> list[openapi.ServedVersion]:
        return [
            openapi.ServedVersion(each.name, each.version, {key: s.definition for key, s in each.signatures.items()})
            for each in self._models.servables()
        ]

    async def drain(self) -> None:
        """Takes no more requests and lets those in flight end."""
        if self._faces:
            await self._faces.drain()
        self._observer.close()

    def close(self) -> None:
        """Gives back what the process holds, once all models are unloaded."""
        self._inference.close()
        if self._batching:
            self._batching.threads.close()
        for engine in self._engines:
            engine.close()


def threads(values: argparse.Namespace) -> int:
    """How many runs that are not quick go on at a time in one process: all share what the open ports' flags say."""
    flags = {"rest_api_num_threads": values.rest_api_port, "grpc_max_threads": values.port or values.grpc_socket_path}
    most: int = max(getattr(values, flag) for flag, is_open in flags.items() if is_open)
    return math.ceil(most / (values.workers or CORES))


def threads_of_a_run(values: argparse.Namespace) -> int:
    """How many threads of one process work on one run: together they are as many as there are cores."""
    asked: int = values.tensorflow_intra_op_parallelism or values.tensorflow_session_parallelism
    return asked or max(1, CORES // (values.workers or CORES))


def tls(values: argparse.Namespace) -> grpc.ServerCredentials | None:
    """What --ssl_config_file asks for; None: plain gRPC."""
    if not values.ssl_config_file:
        return None
    return credentials.server_credentials(server_config.ssl(Path(values.ssl_config_file)))


def metrics_path(values: argparse.Namespace) -> str | None:
    """Where --monitoring_config_file wants the metrics to be shown; None: nowhere."""
    if not values.monitoring_config_file:
        return None
    found = server_config.monitoring(Path(values.monitoring_config_file))
    return found.path if found.enabled else None


def batching_parameters(values: argparse.Namespace) -> BatchingParameters:
    """What --batching_parameters_file says."""
    file = values.batching_parameters_file
    return server_config.batching_parameters(Path(file)) if file else BatchingParameters()


def check(values: argparse.Namespace) -> None:
    """Raises what a `Node` with these flags would raise, before there are any."""
    tls(values)
    metrics_path(values)
    batching_parameters(values)
    observer_of(values).close()


def openvino_files(values: argparse.Namespace) -> OpenVinoFiles:
    """Where the files are that OpenVINO runs."""
    cache = Path(values.openvino_cache_dir) if values.openvino_cache_dir else None
    return OpenVinoFiles(cache, values.saved_model_tags.split(","))
