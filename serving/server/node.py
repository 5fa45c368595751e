"""The parts of a process that answers requests: engines, loaded models, inference, and the gRPC and REST APIs."""

from __future__ import annotations

import argparse
import ipaddress
import json
import math
import socket
from collections.abc import Callable
from pathlib import Path

from .. import card, limits
from ..api.front import Front
from ..api.grpc.services import GrpcApi
from ..api.openapi import document as openapi
from ..api.openapi import page as openapi_page
from ..api.rest.application import RestApi
from ..config.auth_tokens import AuthTokens
from ..config.flag_table import CORES
from ..core.inference import Inference
from ..core.loader import Batching, Loader
from ..core.served_models import ServedModels
from ..engines.base import Engine
from ..engines.openvino.engine import OpenVino
from ..engines.openvino.files import OpenVinoFiles
from ..engines.tensorflow.engine import TensorFlow
from ..engines.tflite import TfLite
from ..fair_threads import FairThreads
from ..lifecycle.host import LocalHost
from ..observe.observer import observer_of
from ..page import files as page_files
from ..processes.control import Control
from ..wire.model_spec import ModelSpec
from .settings import Settings
from .token_watcher import TokenWatcher


class Node:
    """The parts of a worker process, or of the whole server if it has only one process.

    Args:
        values: the flags.
        settings: the settings from the files that the flags name.
        tensorflow_address: returns the address of the TensorFlow process. Starts the TensorFlow process if necessary.
        name: the name of this process in the metrics.
        changed: called with the folder of a version whose files have changed since the version was loaded.

    Attributes:
        host: loads models into this process.
        metrics: the metrics of this process.
    """

    def __init__(
        self,
        values: argparse.Namespace,
        settings: Settings,
        tensorflow_address: Callable[[], str],
        *,
        name: str,
        changed: Callable[[Path], object] = lambda folder: None,
    ) -> None:
        self._flags = values
        self._tls = settings.tls
        self._metrics_path = settings.metrics_path
        self._observer = observer_of(values, name)
        self.metrics = self._observer.metrics
        tags = values.saved_model_tags.split(",")
        tensorflow = TensorFlow(tensorflow_address, tags, changed)
        self._engines: tuple[Engine, ...] = (tensorflow,)
        if values.convert_to_openvino:
            openvino = OpenVino(openvino_files(values), tensorflow, threads_of_a_run(values))
            self._engines = (openvino, tensorflow)
        if values.prefer_tflite_model:
            self._engines = (TfLite(), *self._engines)
        self._batching: Batching | None = None
        if values.enable_batching:
            self._batching = Batching(settings.batching, per_model=values.enable_per_model_batching_parameters)
        self._models = ServedModels()
        load = Loader(
            self._engines,
            self.metrics,
            tags=tags,
            tflite=values.prefer_tflite_model,
            restrict=values.restrict_models,
            warmups=max(values.num_request_iterations_for_warmup, 1) if values.enable_model_warmup else 0,
            batching=self._batching,
            parallel=max(1, CORES // ((values.workers or CORES) * threads_of_a_run(values))),
        )
        self.host = LocalHost(load, self._models)
        self._inference = Inference(
            self._models,
            threads(values),
            check_methods=values.enable_signature_method_name_check,
            max_pending=values.max_pending_requests,
        )
        self._tokens = AuthTokens(Path(values.auth_tokens_file)) if values.auth_tokens_file else None
        self._token_watcher = TokenWatcher(self._tokens) if self._tokens else None
        self._front: Front | None = None
        # A document of some hundred models takes seconds. One at a time, so that the other requests go on.
        self._documents = FairThreads(1)

    async def open(self, control: Control, unix: socket.socket | None) -> None:
        """Answers requests on the ports and on the listening Unix socket."""
        budget = limits.Budget(limits.share_of_memory(self._flags.workers or CORES))
        grpc_api = GrpcApi(
            self._inference,
            control,
            self._observer,
            as_content=self._flags.enable_serialization_as_tensor_content,
            health=self._flags.enable_grpc_healthcheck_service,
            reflection=self._flags.enable_grpc_reflection,
            allow_reload=self._flags.allow_reload,
            tokens=self._tokens,
        )
        page = page_files.routes(self._metrics_path) if self._flags.enable_page else {}
        rest_api = RestApi(
            self._inference,
            control,
            self._observer,
            budget,
            max_request_bytes=self._flags.max_request_bytes,
            cors=self._flags.rest_api_enable_cors_support,
            timeout_seconds=self._flags.rest_api_timeout_in_ms / 1000,
            metrics_path=self._metrics_path,
            routes={"/openapi.json": self._openapi, "/docs": self._docs, **page},
            card=self._card if self._flags.enable_page else None,
            tokens=self._tokens,
            public=page,
            local=self._flags.enable_page and is_loopback(self._flags.host),
        )
        self._front = Front(grpc_api, rest_api, self._flags, budget, self._tls)
        await self._front.open(unix)

    async def _openapi(self) -> tuple[int, str, bytes]:
        def body() -> bytes:
            return json.dumps(openapi.document(self._versions()), indent=1).encode()

        return 200, "application/json", await self._documents.call(False, "", body)

    async def _docs(self) -> tuple[int, str, bytes]:
        def body() -> bytes:
            return openapi_page.page(self._versions(), address).encode()

        address = f"{'https' if 'rest' in self._tls else 'http'}://localhost:{self._flags.rest_api_port}"
        return 200, "text/html; charset=utf-8", await self._documents.call(False, "", body)

    async def _card(self, spec: ModelSpec) -> bytes:
        folder = self._models.find(spec).folder
        content: bytes = await self._documents.call(False, "", lambda: card.read(folder))
        return content

    def _versions(self) -> list[openapi.ServedVersion]:
        return [
            openapi.ServedVersion(each.name, each.version, {key: s.definition for key, s in each.signatures.items()})
            for each in self._models.servables()
        ]

    async def drain(self) -> None:
        """Stops accepting requests, and waits for the requests in progress."""
        if self._front:
            await self._front.drain()
        self._observer.close()

    def close(self) -> None:
        """Frees threads and engines. Call it after all models are unloaded."""
        if self._token_watcher:
            self._token_watcher.stop()
        self._inference.close()
        if self._batching:
            self._batching.close()
        for engine in self._engines:
            engine.close()


def threads(values: argparse.Namespace) -> int:
    """Returns the number of inference threads in one process.

    The larger of --grpc_max_threads and --rest_api_num_threads is divided by the number of worker processes. The flag
    of an API without an open port does not count.
    """
    flags = {"rest_api_num_threads": values.rest_api_port, "grpc_max_threads": values.port or values.grpc_socket_path}
    count: int = max(getattr(values, flag) for flag, is_open in flags.items() if is_open)
    return math.ceil(count / (values.workers or CORES))


def is_loopback(host: str) -> bool:
    """Returns whether an address leads to this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def threads_of_a_run(values: argparse.Namespace) -> int:
    """Returns the number of threads for one run: from the flags, or else an equal share of the cores."""
    count: int = values.tensorflow_intra_op_parallelism or values.tensorflow_session_parallelism
    return count or max(1, CORES // (values.workers or CORES))


def openvino_files(values: argparse.Namespace) -> OpenVinoFiles:
    """Returns the store of the models that are converted for OpenVINO."""
    cache = Path(values.openvino_cache_dir) if values.openvino_cache_dir else None
    return OpenVinoFiles(cache, values.saved_model_tags.split(","))
