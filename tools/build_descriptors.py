"""Writes the descriptors of all protocol buffer messages of the server's APIs.

    python -m tools.build_descriptors

`tensorflow_serving.pb` has the descriptors of the official packages, so that nobody copies .proto files by hand. This
program needs `tensorflow-serving-api` (which installs TensorFlow), `grpcio-health-checking` and `grpcio-reflection`.
The server does not need these packages, because it only reads the files.

`open_inference.pb` has the messages of the Open Inference Protocol, from the table `OPEN_INFERENCE`. No small package
has only these messages.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, text_format
from google.protobuf.descriptor import FileDescriptor
from keras_gallery.serving.wire.messages import DESCRIPTORS, OPEN_INFERENCE_DESCRIPTORS

# Message → its fields in the order of their numbers, which begin with 1: type and name. `map` is a map from strings to
# `InferParameter`, and `oneof` begins the last fields of a message, of which at most one is set.
OPEN_INFERENCE = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "bool live",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "bool ready",
    "ModelReadyRequest": "string name, string version",
    "ModelReadyResponse": "bool ready",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "string name, string version, repeated string extensions",
    "ModelMetadataRequest": "string name, string version",
    "ModelMetadataResponse": "string name, repeated string versions, string platform, "
    "repeated ModelMetadataResponse.TensorMetadata inputs, repeated ModelMetadataResponse.TensorMetadata outputs",
    "ModelMetadataResponse.TensorMetadata": "string name, string datatype, repeated int64 shape",
    "InferParameter": "oneof parameter_choice, bool bool_param, int64 int64_param, string string_param, "
    "double double_param, uint64 uint64_param",
    "InferTensorContents": "repeated bool bool_contents, repeated int32 int_contents, repeated int64 int64_contents, "
    "repeated uint32 uint_contents, repeated uint64 uint64_contents, repeated float fp32_contents, "
    "repeated double fp64_contents, repeated bytes bytes_contents",
    "ModelInferRequest": "string model_name, string model_version, string id, map parameters, "
    "repeated ModelInferRequest.InferInputTensor inputs, "
    "repeated ModelInferRequest.InferRequestedOutputTensor outputs, repeated bytes raw_input_contents",
    "ModelInferRequest.InferInputTensor": "string name, string datatype, repeated int64 shape, map parameters, "
    "InferTensorContents contents",
    "ModelInferRequest.InferRequestedOutputTensor": "string name, map parameters",
    "ModelInferResponse": "string model_name, string model_version, string id, map parameters, "
    "repeated ModelInferResponse.InferOutputTensor outputs, repeated bytes raw_output_contents",
    "ModelInferResponse.InferOutputTensor": "string name, string datatype, repeated int64 shape, map parameters, "
    "InferTensorContents contents",
}
OPEN_INFERENCE_METHODS = ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer")
_Field = descriptor_pb2.FieldDescriptorProto


def official_descriptors() -> bytes:
    """Returns a serialized `FileDescriptorSet` with the files of the APIs and their imports, imports first."""
    from grpc_health.v1 import health_pb2
    from grpc_reflection.v1alpha import reflection_pb2
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        model_service_pb2,
        prediction_log_pb2,
        prediction_service_pb2,
    )

    files = descriptor_pb2.FileDescriptorSet()
    seen: set[str] = set()

    def add(file: FileDescriptor) -> None:
        if file.name in seen:
            return
        seen.add(file.name)
        for dependency in file.dependencies:
            add(dependency)
        files.file.add().ParseFromString(file.serialized_pb)

    for module in (
        saved_model_pb2,
        get_model_metadata_pb2,
        model_service_pb2,
        prediction_log_pb2,
        prediction_service_pb2,
        health_pb2,
        reflection_pb2,
    ):
        add(module.DESCRIPTOR)
    # No package contains version 1 of the reflection API. Version 1 differs from the alpha version only in its name.
    alpha = str(text_format.MessageToString(files.file[-1]))
    files.file.add().CopyFrom(text_format.Parse(alpha.replace("v1alpha", "v1"), descriptor_pb2.FileDescriptorProto()))
    return bytes(files.SerializeToString(deterministic=True))


def open_inference_descriptors() -> bytes:
    """Returns a serialized `FileDescriptorSet` with the file of the Open Inference Protocol."""
    file = descriptor_pb2.FileDescriptorProto(name="open_inference_grpc.proto", package="inference", syntax="proto3")
    messages: dict[str, Any] = {}
    for name, fields in OPEN_INFERENCE.items():
        outer, _, inner = name.rpartition(".")
        message = messages[name] = (messages[outer].nested_type if outer else file.message_type).add(name=inner)
        for field in filter(None, fields.split(", ")):
            _add_field(message, name, *field.split())
    service = file.service.add(name="GRPCInferenceService")
    for method in OPEN_INFERENCE_METHODS:
        types = [f".inference.{method}{kind}" for kind in ("Request", "Response")]
        service.method.add(name=method, options={}, input_type=types[0], output_type=types[1])
    return bytes(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString(deterministic=True))


def _add_field(message: Any, full_name: str, *words: str) -> None:
    """Adds a field to a message. `words` are the type and the name of the field, such as ("repeated", "bool", "x")."""
    *kind, name = words
    if kind == ["oneof"]:
        message.oneof_decl.add(name=name)
        return
    field = message.field.add(name=name, number=len(message.field) + 1, label=_Field.LABEL_OPTIONAL)
    if kind[0] in ("repeated", "map"):
        field.label = _Field.LABEL_REPEATED
    if message.oneof_decl:
        field.oneof_index = 0
    if kind == ["map"]:
        entry = message.nested_type.add(name=f"{name.capitalize()}Entry", options={"map_entry": True})
        _add_field(entry, "", "string", "key")
        _add_field(entry, "", "InferParameter", "value")
        kind = [f"{full_name}.{entry.name}"]
    if kind[-1][0].islower():
        field.type = _Field.Type.Value(f"TYPE_{kind[-1].upper()}")
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".inference.{kind[-1]}"


if __name__ == "__main__":
    files = {OPEN_INFERENCE_DESCRIPTORS: open_inference_descriptors, DESCRIPTORS: official_descriptors}
    for path, content in files.items():
        path.write_bytes(content())
        print(f"{path} ({path.stat().st_size:,} bytes)")
