"""The flags of the embedded server: parsed, checked, and completed from the environment as the container's are."""

from __future__ import annotations

import argparse
import difflib
import importlib.metadata
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from .flag_table import FLAGS, INT32

log = logging.getLogger(__name__)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError
    return text.lower() in ("true", "1")


def _integer(text: str) -> int:
    if not re.fullmatch("[-+]?[0-9]{1,19}", text):  # int() takes underscores, blanks and digits of all scripts
        raise ValueError
    return int(text)


_boolean.__name__, _integer.__name__ = "bool", "int"  # as argparse names them in its messages
_READERS: dict[type, Callable[[str], Any]] = {bool: _boolean, int: _integer, float: float, str: str}


def parser() -> argparse.ArgumentParser:
    """The parser of `gallery-model-server`."""
    made = _Parser(
        prog="gallery-model-server",
        usage="gallery-model-server [--flag=VALUE ...]",
        description="Serves SavedModels with TensorFlow Serving's flags and its gRPC and REST API.",
        allow_abbrev=False,
    )
    for flag in FLAGS:
        marks = {" [not in TensorFlow Serving]": flag.ours, " [taken, but changes nothing]": flag.ignored}
        text = f"{flag.help} (default: {flag.default!r})" + "".join(mark for mark, there in marks.items() if there)
        alone: dict[str, Any] = {"nargs": "?", "const": True} if isinstance(flag.default, bool) else {}
        made.add_argument(
            f"--{flag.name}",
            type=_READERS[type(flag.default)],
            default=flag.default,
            help=text,
            metavar="VALUE",
            **alone,
        )
    return made


def parse(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> argparse.Namespace:
    """The flags' values.

    Args:
        arguments: the command line, without the program.
        environment: MODEL_NAME and MODEL_BASE_PATH in it stand for --model_name and --model_base_path where neither
            --model_base_path nor --model_config_file is given, as in TensorFlow Serving's container.

    Raises:
        ValueError: in one line, for an unknown flag or a value that makes no sense.
    """
    values = _read(arguments)
    if environment.get("MODEL_NAME") and not values.model_base_path and not values.model_config_file:
        name, base = environment["MODEL_NAME"], environment.get("MODEL_BASE_PATH") or "/models"
        values = _read([f"--model_name={name}", f"--model_base_path={base}/{name}", *arguments])
    if not values.version:
        _check(values)
    return values


def warn_of_ignored(values: argparse.Namespace) -> None:
    """A line in the log for each flag that is set and changes nothing here."""
    for flag in FLAGS:
        if flag.ignored and getattr(values, flag.name) != flag.default:
            log.warning("--%s is taken, but changes nothing here", flag.name)


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
        if not value >= flag.minimum:  # so written, not-a-number is refused, too
            raise ValueError(f"Expected --{flag.name} of {flag.minimum} or more. Received: {value}")
        if value > flag.maximum:
            raise ValueError(f"Expected --{flag.name} of at most {flag.maximum}. Received: {value}")
    return values


def _check(values: argparse.Namespace) -> None:
    """What flags have to do with one another."""
    if not values.port and not values.rest_api_port and not values.grpc_socket_path:
        raise ValueError("Expected --port or --rest_api_port above 0. Received: neither")
    if values.port and values.port == values.rest_api_port:
        raise ValueError(f"Expected --rest_api_port to differ from --port. Received: {values.port} for both")
    if not values.model_base_path and not values.model_config_file:
        raise ValueError("Expected one of --model_base_path and --model_config_file. Received: neither")
    if values.batching_parameters_file and not values.enable_batching:
        raise ValueError("Expected --enable_batching with --batching_parameters_file. Received: the file alone")
    if values.use_alts_credentials:  # what was to be secret must not be sent in the clear
        raise ValueError("Expected --ssl_config_file: there is no ALTS here. Received: --use_alts_credentials")
    channel_arguments(values.grpc_channel_arguments)


def channel_arguments(text: str) -> list[tuple[str, Any]]:
    """`grpc.name=1,grpc.other=text` as gRPC options. Raises ValueError for a part that is no pair."""
    options: list[tuple[str, Any]] = []
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"Expected name=value in --grpc_channel_arguments. Received: {part}")
        number = int(value) if re.fullmatch("-?[0-9]{1,10}", value) else None
        fits = number is not None and -INT32 - 1 <= number <= INT32  # gRPC takes int32 and text
        options.append((name, number if fits else value))
    return options


def version_text() -> str:
    """What --version prints."""
    found = []
    for package in ("keras-gallery", "tensorflow"):
        try:
            found.append(importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            found.append("not installed")
    return f"TensorFlow ModelServer: keras-gallery {found[0]}\nTensorFlow Library: {found[1]}"
