"""Text-format configuration files: batching parameters, monitoring, TLS.

The official package lacks these messages. Theirs are the names and types of the fields below; the numbers never
leave this process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, text_format

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
    """How requests are run together; None: the server's own choice.

    Attributes:
        max_batch_size: rows in a batch, at most.
        batch_timeout_micros: how long a request waits for others.
        max_enqueued_batches: batches that may wait; over it requests are refused.
        num_batch_threads: batches run at a time.
        thread_pool_name: a name for these threads, in the metrics.
        allowed_batch_sizes: a batch is padded to the next of them; in increasing order.
        pad_variable_length_inputs: whether rows of different lengths are padded to the longest.
        enable_large_batch_splitting: whether a request may be larger than a batch.
        max_execution_batch_size: rows in a batch where requests are split, at most `max_batch_size`.
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
    """Whether metrics are shown, and under which path of the REST port."""

    enabled: bool = False
    path: str = METRICS_PATH


@dataclass(frozen=True, slots=True)
class Ssl:
    """PEM texts: the server's key and certificate, the authority that clients' certificates come from."""

    server_key: str = field(repr=False)
    server_cert: str
    custom_ca: str = ""
    client_verify: bool = False


def batching_parameters(path: Path) -> BatchingParameters:
    """The file of --batching_parameters_file. Raises InvalidArgument, as all functions here."""
    message = _read(path, "BatchingParameters")
    wrapped = {
        descriptor.name: value.value
        for descriptor, value in message.ListFields()
        if descriptor.message_type is not None  # an Int64Value or the like: there or not, even if it is 0
    }
    found = BatchingParameters(
        **wrapped,
        allowed_batch_sizes=tuple(message.allowed_batch_sizes),
        pad_variable_length_inputs=message.pad_variable_length_inputs,
    )
    try:
        _check(found)
    except InvalidArgument as error:
        raise InvalidArgument(f"{error} (in {path})") from None
    return found


def model_batching_parameters(folder: Path) -> BatchingParameters | None:
    """What a version's own folder says, for --enable_per_model_batching_parameters; None: that it is not batched."""
    path = folder / MODEL_BATCHING_FILE
    return batching_parameters(path) if path.exists() else None


def monitoring(path: Path) -> Monitoring:
    """The file of --monitoring_config_file."""
    prometheus = _read(path, "MonitoringConfig").prometheus_config
    return Monitoring(prometheus.enable, prometheus.path or METRICS_PATH)


def ssl(path: Path) -> Ssl:
    """The file of --ssl_config_file."""
    message = _read(path, "SSLConfig")
    return Ssl(message.server_key, message.server_cert, message.custom_ca, message.client_verify)


def _read(path: Path, kind: str) -> Any:
    message = messages.message(f"tensorflow.serving.{kind}")()
    try:
        text_format.Parse(path.read_bytes().decode(), message, descriptor_pool=messages.POOL)
    except OSError as error:
        raise InvalidArgument(f"Expected a readable {kind} file. Received: {path} ({error.strerror})") from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split()).replace(" : ", ": ", 1)
        raise InvalidArgument(
            f"Error parsing text-format tensorflow.serving.{kind}: {problem} Invalid protobuf file: '{path}'"
        ) from None
    return message


def _check(found: BatchingParameters) -> None:
    """The words are TensorFlow Serving's."""
    for name in ("max_batch_size", "num_batch_threads", "max_execution_batch_size"):
        if (value := getattr(found, name)) is not None and value < 1:
            raise InvalidArgument(f"{name} must be positive; was {value}")
    for name in ("batch_timeout_micros", "max_enqueued_batches"):
        if (value := getattr(found, name)) is not None and value < 0:
            raise InvalidArgument(f"{name} must be non-negative; was {value}")
    most = found.max_batch_size or DEFAULT_MAX_BATCH_SIZE
    if found.enable_large_batch_splitting and (found.max_execution_batch_size or 0) > most:
        raise InvalidArgument(
            f"max_execution_batch_size must be at most max_batch_size; was {found.max_execution_batch_size}; "
            f"expected at most {most}"
        )
    sizes = found.allowed_batch_sizes
    if any(one >= other for one, other in zip(sizes, sizes[1:], strict=False)):
        raise InvalidArgument("allowed_batch_sizes entries must be monotonically increasing")
    if not sizes or sizes[-1] == most:
        return
    last, wanted = "Last entry in allowed_batch_sizes must", "match max_batch_size"
    if found.enable_large_batch_splitting:
        wanted, most = "be equal to max_execution_batch_size", found.max_execution_batch_size or most
    if sizes[-1] != most:
        raise InvalidArgument(f"{last} {wanted}; last entry was {sizes[-1]}; expected {most}")


def _describe() -> descriptor_pb2.FileDescriptorProto:
    """`_SCHEMA` as protocol buffers have it."""
    proto = descriptor_pb2.FieldDescriptorProto
    scalars = {"bool": proto.TYPE_BOOL, "string": proto.TYPE_STRING, "int64": proto.TYPE_INT64}
    file = descriptor_pb2.FileDescriptorProto(
        name="keras_gallery/server_config.proto",
        package="tensorflow.serving",
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    for kind, fields in _SCHEMA.items():
        described = file.message_type.add(name=kind)
        for number, (name, words) in enumerate(fields.items(), start=1):
            type_name = words.removeprefix("repeated ")
            made = described.field.add(name=name, number=number)
            made.label = proto.LABEL_REPEATED if words.startswith("repeated ") else proto.LABEL_OPTIONAL
            if type_name in scalars:
                made.type = scalars[type_name]
            else:
                made.type, made.type_name = proto.TYPE_MESSAGE, f".{type_name}"
    return file


messages.POOL.Add(_describe())
