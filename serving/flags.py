"""The flags of the embedded server: TensorFlow Serving's own names and defaults, as one table."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag: `--name=value`, `--name value`, and for a boolean `--name` alone.

    Attributes:
        default: also tells the type.
        ours: whether TensorFlow Serving has no such flag.
        minimum: the least value of a number.
    """

    name: str
    default: Any
    help: str
    ours: bool = False
    minimum: int = 0


FLAGS = (
    Flag("port", 8500, "TCP port of the gRPC API; 0: none"),
    Flag("rest_api_port", 0, "TCP port of the REST API; 0: none"),
    Flag("model_name", "default", "name of the model, with --model_base_path"),
    Flag("model_base_path", "", "folder of the model's versions"),
    Flag("model_config_file", "", "text-format ModelServerConfig file, for several models"),
    Flag("file_system_poll_wait_seconds", 1, "how often to look for new versions; 0: once at the start"),
    Flag("enable_model_warmup", True, "replay the recorded warm-up requests when a version is loaded"),
    Flag("max_num_load_retries", 5, "how often to try again a version that could not be loaded"),
    Flag("load_retry_interval_micros", 60_000_000, "how long to wait before that"),
    Flag("enable_serialization_as_tensor_content", False, "send outputs in tensor_content"),
    Flag("rest_api_enable_cors_support", False, "send CORS headers over REST"),
    Flag("grpc_channel_arguments", "", "comma-separated name=value pairs for the gRPC server"),
    Flag("host", "0.0.0.0", "address to listen on", ours=True),
    Flag("max_request_bytes", (1 << 31) - 1, "longest request, over gRPC and REST", ours=True, minimum=1),
    Flag("shutdown_grace_seconds", 15, "how long SIGTERM waits for requests in flight", ours=True),
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError
    return text.lower() in ("true", "1")


def parser() -> argparse.ArgumentParser:
    """The parser of `gallery-model-server`."""
    made = _Parser(
        prog="gallery-model-server",
        description="Serves SavedModels with TensorFlow Serving's flags and its gRPC and REST API.",
        allow_abbrev=False,
    )
    for flag in FLAGS:
        text = flag.help + f" (default: {flag.default!r})" + (" [not in TensorFlow Serving]" if flag.ours else "")
        if isinstance(flag.default, bool):
            made.add_argument(f"--{flag.name}", type=_boolean, nargs="?", const=True, default=flag.default, help=text)
        else:
            made.add_argument(f"--{flag.name}", type=type(flag.default), default=flag.default, help=text)
    return made


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The flags' values. Raises ValueError, in one line, for an unknown flag or a value that makes no sense."""
    values, unknown = parser().parse_known_args(arguments)
    if unknown:
        name = unknown[0].lstrip("-").split("=")[0]
        close = difflib.get_close_matches(name, [flag.name for flag in FLAGS], n=1)
        hint = f" (did you mean --{close[0]}?)" if close else " (see --help)"
        raise ValueError(f"unknown argument: {unknown[0]}{hint}")
    for flag in FLAGS:
        value = getattr(values, flag.name)
        if type(flag.default) is int and value < flag.minimum:
            raise ValueError(f"Expected --{flag.name} of {flag.minimum} or more. Received: {value}")
    for name, most in {"port": 65535, "rest_api_port": 65535, "max_request_bytes": (1 << 31) - 1}.items():
        if getattr(values, name) > most:
            raise ValueError(f"Expected --{name} of at most {most}. Received: {getattr(values, name)}")
    if not values.port and not values.rest_api_port:
        raise ValueError("Expected --port or --rest_api_port above 0. Received: neither")
    if bool(values.model_base_path) == bool(values.model_config_file):
        got = "both" if values.model_base_path else "neither"
        raise ValueError(f"Expected one of --model_base_path and --model_config_file. Received: {got}")
    channel_arguments(values.grpc_channel_arguments)
    return values


def channel_arguments(text: str) -> list[tuple[str, Any]]:
    """`grpc.name=1,grpc.other=text` as gRPC options. Raises ValueError for a part that is no pair."""
    options: list[tuple[str, Any]] = []
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"Expected name=value in --grpc_channel_arguments. Received: {part}")
        options.append((name, int(value) if re.fullmatch("-?[0-9]+", value) else value))
    return options
