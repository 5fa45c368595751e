"""Parses and checks the flags of the embedded server.

The environment variables MODEL_NAME and MODEL_BASE_PATH can set --model_name and --model_base_path.
"""

from __future__ import annotations

import argparse
import difflib
import importlib.metadata
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from . import channel_arguments
from .flag_table import FLAGS

log = logging.getLogger(__name__)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError
    return text.lower() in ("true", "1")


def _integer(text: str) -> int:
    if not re.fullmatch("[-+]?[0-9]{1,19}", text):  # int() would also accept underscores, spaces and non-ASCII digits
        raise ValueError
    return int(text)


_boolean.__name__, _integer.__name__ = "bool", "int"  # argparse shows these names in its error messages
_READERS: dict[type, Callable[[str], Any]] = {bool: _boolean, int: _integer, float: float, str: str}


def parser() -> argparse.ArgumentParser:
    """Returns the command-line parser of `gallery-model-server`."""
    result = _Parser(
        prog="gallery-model-server",
        usage="gallery-model-server [--flag=VALUE ...]",
        description="Serves SavedModels with TensorFlow Serving's flags and its gRPC and REST API.",
        allow_abbrev=False,
    )
    for flag in FLAGS:
        notes = {" [not in TensorFlow Serving]": flag.ours, " [accepted, has no effect]": flag.ignored}
        text = f"{flag.help} (default: {flag.default!r})" + "".join(note for note, applies in notes.items() if applies)
        optional_value: dict[str, Any] = {"nargs": "?", "const": True} if isinstance(flag.default, bool) else {}
        result.add_argument(
            f"--{flag.name}",
            type=_READERS[type(flag.default)],
            default=flag.default,
            help=text,
            metavar="VALUE",
            **optional_value,
        )
    return result


def parse(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> argparse.Namespace:
    """Parses a command line and returns the flags' values.

    Args:
        arguments: the command line, without the program name.
        environment: the environment variables. If neither --model_base_path nor --model_config_file is set, MODEL_NAME
            sets the model, as in TensorFlow Serving's container: --model_name is then MODEL_NAME, and
            --model_base_path is MODEL_BASE_PATH/MODEL_NAME, by default /models/MODEL_NAME.

    Raises:
        ValueError: a flag is unknown, a value is invalid, or the flags contradict each other. The message has one
            line.
    """
    values = _read(arguments)
    if environment.get("MODEL_NAME") and not values.model_base_path and not values.model_config_file:
        name, base = environment["MODEL_NAME"], environment.get("MODEL_BASE_PATH") or "/models"
        values = _read([f"--model_name={name}", f"--model_base_path={base}/{name}", *arguments])
    if not values.version:
        _check(values)
    return values


def warn_of_ignored(values: argparse.Namespace) -> None:
    """Logs a warning for each flag without effect whose value is not the default, and for such channel arguments."""
    for flag in FLAGS:
        if flag.ignored and getattr(values, flag.name) != flag.default:
            log.warning("--%s is accepted, but has no effect", flag.name)
    for name in channel_arguments.parse(values.grpc_channel_arguments).unsupported:
        log.warning("--grpc_channel_arguments: %r has no effect", name)


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    values, unknown = parser().parse_known_args(arguments)
    if unknown:
        name = unknown[0].lstrip("-").split("=")[0]
        close = difflib.get_close_matches(name, [flag.name for flag in FLAGS], n=1)
        hint = f" (did you mean --{close[0]}?)" if close else " (see --help)"
        raise ValueError(f"unknown argument: {unknown[0]}{hint}")
    for flag in FLAGS:
        value = getattr(values, flag.name)
        if type(value) not in (int, float):
            continue
        if not value >= flag.minimum:  # also true for NaN
            raise ValueError(f"Expected --{flag.name} of {flag.minimum} or more. Received: {value}")
        if value > flag.maximum:
            raise ValueError(f"Expected --{flag.name} of at most {flag.maximum}. Received: {value}")
    return values


def _check(values: argparse.Namespace) -> None:
    """Raises ValueError if a necessary flag is missing or the flags contradict each other."""
    if not values.port and not values.rest_api_port and not values.grpc_socket_path:
        raise ValueError("No port to listen on: set --port, --rest_api_port or --grpc_socket_path")
    if values.port and values.port == values.rest_api_port:
        raise ValueError(f"--port and --rest_api_port must differ, but both are {values.port}")
    if not values.model_base_path and not values.model_config_file:
        raise ValueError("No model to serve: set --model_base_path or --model_config_file")
    if values.batching_parameters_file and not values.enable_batching:
        raise ValueError("--batching_parameters_file needs --enable_batching")
    if values.use_alts_credentials:  # do not fall back to unencrypted gRPC
        raise ValueError("--use_alts_credentials is not supported: encrypt gRPC with --ssl_config_file instead")
    channel_arguments.parse(values.grpc_channel_arguments)


def version_text() -> str:
    """Returns the text that --version prints."""
    versions = []
    for package in ("keras-gallery", "tensorflow"):
        try:
            versions.append(importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            versions.append("not installed")
    return f"TensorFlow ModelServer: keras-gallery {versions[0]}\nTensorFlow Library: {versions[1]}"
