"""The settings from the files that the flags name. The server reads these files once, when it starts."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ..api import front
from ..config import auth_tokens, server_config
from ..config.server_config import BatchingParameters, Ssl
from ..observe import observer
from . import credentials


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings from the files that the flags name.

    The manager sends the settings to each worker process. A worker that replaces another one thus has the same
    settings, even if a file was changed or deleted meanwhile.

    Attributes:
        tls: keys and certificates by API, "grpc" or "rest". An API without its flag is not encrypted.
        metrics_path: the path of the metrics on the REST port; None if metrics are off.
        batching: the parameters from --batching_parameters_file; the defaults without this flag.
    """

    tls: dict[str, Ssl]
    metrics_path: str | None
    batching: BatchingParameters

    @classmethod
    def read(cls, values: argparse.Namespace) -> Self:
        """Reads the files, and checks the other flags that only the start of the server can check.

        Raises InvalidArgument or ValueError if a file or a flag is invalid, or if the request log can't be written.
        """
        settings = cls(_tls(values), _metrics_path(values), _batching(values))
        front.grpc_settings(values)
        if values.auth_tokens_file:
            auth_tokens.read(Path(values.auth_tokens_file))  # each worker process reads it again
        observer.check(values)
        return settings


def _tls(values: argparse.Namespace) -> dict[str, Ssl]:
    files = {"grpc": values.ssl_config_file, "rest": values.rest_api_ssl_config_file}
    settings = {name: server_config.ssl(Path(file)) for name, file in files.items() if file}
    for each in settings.values():
        credentials.check(each)
    return settings


def _metrics_path(values: argparse.Namespace) -> str | None:
    if not values.monitoring_config_file:
        return server_config.METRICS_PATH if values.enable_page else None
    monitoring = server_config.monitoring(Path(values.monitoring_config_file))
    return monitoring.path if monitoring.enabled else None


def _batching(values: argparse.Namespace) -> BatchingParameters:
    file = values.batching_parameters_file
    return server_config.batching_parameters(Path(file)) if file else BatchingParameters()
