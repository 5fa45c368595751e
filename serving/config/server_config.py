"""Reads the configuration files for batching, monitoring and TLS, in protocol buffer text format.

The `tensorflow-serving-api` package lacks these messages, so this module defines them, with TensorFlow Serving's field
names and types. The field numbers are arbitrary: the text format does not use them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, text_format

from .. import version_files
from ..errors import InvalidArgument
from ..wire import messages

METRICS_PATH = "/monitoring/prometheus/metrics"
MODEL_BATCHING_FILE = "batching_params.pbtxt"
DEFAULT_MAX_BATCH_SIZE = 1000

_SCHEMA = {
    "BatchingParameters": {
        "max_batch_size": "google.protobuf.Int64Value",
        "batch_timeout_micros": "google.protobuf.Int64Value",
        "max_enqueued_batches": "google.protobuf.Int64Value",
        "num_batch_threads": "google.protobuf.Int64Value",
        "thread_pool_name": "google.protobuf.StringValue",
        "allowed_batch_sizes": "repeated int64",
        "pad_variable_length_inputs": "bool",
        "enable_large_batch_splitting": "google.protobuf.BoolValue",
        "max_execution_batch_size": "google.protobuf.Int64Value",
    },
    "PrometheusConfig": {"enable": "bool", "path": "string"},
    "MonitoringConfig": {"prometheus_config": "tensorflow.serving.PrometheusConfig"},
    "SSLConfig": {"server_key": "string", "server_cert": "string", "custom_ca": "string", "client_verify": "bool"},
}


@dataclass(frozen=True, slots=True)
class BatchingParameters:
    """Settings for batching. None means the server's default.

    Attributes:
        max_batch_size: the maximum number of rows in a batch.
        batch_timeout_micros: how many microseconds a request waits for other requests.
        max_enqueued_batches: the maximum number of waiting batches. Further requests raise Unavailable.
        num_batch_threads: the maximum number of batches of a version that run in parallel. In TensorFlow Serving, all
            versions share this number.
        thread_pool_name: the name of the batch threads in the metrics.
        allowed_batch_sizes: batch sizes in increasing order. Each batch is padded to the next allowed size.
        pad_variable_length_inputs: whether rows of different lengths are padded to the longest row.
        enable_large_batch_splitting: whether a request that is too large for one batch is split.
        max_execution_batch_size: the maximum number of rows in a batch if requests are split; at most
            `max_batch_size`.
    """

    max_batch_size: int | None = None
    batch_timeout_micros: int | None = None
    max_enqueued_batches: int | None = None
    num_batch_threads: int | None = None
    thread_pool_name: str | None = None
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool | None = None
    max_execution_batch_size: int | None = None


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Settings for metrics: whether the REST port serves metrics, and the path of the metrics."""

    enabled: bool = False
    path: str = METRICS_PATH


@dataclass(frozen=True, slots=True)
class Ssl:
    """TLS settings, with keys and certificates as PEM text.

    Attributes:
        server_key: the server's private key.
        server_cert: the server's certificate.
        custom_ca: the certificates of the authorities that sign client certificates.
        client_verify: whether clients need a certificate.
    """

    server_key: str = field(repr=False)
    server_cert: str
    custom_ca: str = ""
    client_verify: bool = False


def batching_parameters(path: Path, read: Callable[[Path], bytes] = Path.read_bytes) -> BatchingParameters:
    """Reads a BatchingParameters file. Raises InvalidArgument if the file can't be read or is invalid."""
    message = _read(path, "BatchingParameters", read)
    wrapped = {
        descriptor.name: value.value
        for descriptor, value in message.ListFields()
        if descriptor.message_type is not None  # wrappers such as Int64Value distinguish 0 from a missing value
    }
    parameters = BatchingParameters(
        **wrapped,
        allowed_batch_sizes=tuple(message.allowed_batch_sizes),
        pad_variable_length_inputs=message.pad_variable_length_inputs,
    )
    try:
        _check(parameters)
    except InvalidArgument as error:
        raise InvalidArgument(f"{error} (in {path})") from None
    return parameters


def model_batching_parameters(folder: Path) -> BatchingParameters | None:
    """Reads the batching parameters file in a version's folder, for --enable_per_model_batching_parameters.

    Returns None if the file does not exist. Raises InvalidArgument if the file is invalid.
    """
    path = folder / MODEL_BATCHING_FILE
    return batching_parameters(path, version_files.read_file) if path.exists() else None


def monitoring(path: Path) -> Monitoring:
    """Reads a MonitoringConfig file. Raises InvalidArgument if the file can't be read or parsed."""
    prometheus = _read(path, "MonitoringConfig").prometheus_config
    return Monitoring(prometheus.enable, prometheus.path or METRICS_PATH)


def ssl(path: Path) -> Ssl:
    """Reads an SSLConfig file. Raises InvalidArgument if the file can't be read or parsed."""
    message = _read(path, "SSLConfig")
    return Ssl(message.server_key, message.server_cert, message.custom_ca, message.client_verify)


def _read(path: Path, name: str, read: Callable[[Path], bytes] = Path.read_bytes) -> Any:
    message = messages.message(f"tensorflow.serving.{name}")()
    try:
        text_format.Parse(read(path).decode(), message, descriptor_pool=messages.POOL)
    except OSError as error:
        raise InvalidArgument(f"Cannot read the {name} file {path}: {error.strerror}") from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split()).replace(" : ", ": ", 1)
        raise InvalidArgument(
            f"Error parsing text-format tensorflow.serving.{name}: {problem} Invalid protobuf file: '{path}'"
        ) from None
    return message


def _check(parameters: BatchingParameters) -> None:
    """Raises InvalidArgument, with TensorFlow Serving's messages, if a value is invalid."""
    for name in ("max_batch_size", "num_batch_threads", "max_execution_batch_size"):
        if (value := getattr(parameters, name)) is not None and value < 1:
            raise InvalidArgument(f"{name} must be positive; was {value}")
    for name in ("batch_timeout_micros", "max_enqueued_batches"):
        if (value := getattr(parameters, name)) is not None and value < 0:
            raise InvalidArgument(f"{name} must be non-negative; was {value}")
    most = parameters.max_batch_size or DEFAULT_MAX_BATCH_SIZE
    if parameters.enable_large_batch_splitting and (parameters.max_execution_batch_size or 0) > most:
        raise InvalidArgument(
            f"max_execution_batch_size must be at most max_batch_size; was {parameters.max_execution_batch_size}; "
            f"expected at most {most}"
        )
    sizes = parameters.allowed_batch_sizes
    if any(one >= other for one, other in zip(sizes, sizes[1:], strict=False)):
        raise InvalidArgument("allowed_batch_sizes entries must be monotonically increasing")
    if not sizes or sizes[-1] == most:
        return
    last, wanted = "Last entry in allowed_batch_sizes must", "match max_batch_size"
    if parameters.enable_large_batch_splitting:
        wanted, most = "be equal to max_execution_batch_size", parameters.max_execution_batch_size or most
    if sizes[-1] != most:
        raise InvalidArgument(f"{last} {wanted}; last entry was {sizes[-1]}; expected {most}")


def _describe() -> descriptor_pb2.FileDescriptorProto:
    """Returns `_SCHEMA` as a protocol buffer file descriptor."""
    proto = descriptor_pb2.FieldDescriptorProto
    scalars = {"bool": proto.TYPE_BOOL, "string": proto.TYPE_STRING, "int64": proto.TYPE_INT64}
    file = descriptor_pb2.FileDescriptorProto(
        name="keras_gallery/server_config.proto",
        package="tensorflow.serving",
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    for message_name, fields in _SCHEMA.items():
        message = file.message_type.add(name=message_name)
        for number, (name, declared) in enumerate(fields.items(), start=1):
            type_name = declared.removeprefix("repeated ")
            field_proto = message.field.add(name=name, number=number)
            field_proto.label = proto.LABEL_REPEATED if declared.startswith("repeated ") else proto.LABEL_OPTIONAL
            if type_name in scalars:
                field_proto.type = scalars[type_name]
            else:
                field_proto.type, field_proto.type_name = proto.TYPE_MESSAGE, f".{type_name}"
    return file


messages.POOL.Add(_describe())
