"""Writes `tensorflow_serving.pb`: descriptors of all protocol buffer messages of TensorFlow Serving's APIs.

    python -m tools.build_descriptors

The descriptors come from the official packages, so that nobody copies .proto files by hand. This program needs
`tensorflow-serving-api` (which installs TensorFlow), `grpcio-health-checking` and `grpcio-reflection`. The server does
not need these packages, because it only reads `tensorflow_serving.pb`.
"""

from __future__ import annotations

from google.protobuf import descriptor_pb2, text_format
from google.protobuf.descriptor import FileDescriptor
from keras_gallery.serving.wire.messages import DESCRIPTORS


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


if __name__ == "__main__":
    DESCRIPTORS.write_bytes(official_descriptors())
    print(f"{DESCRIPTORS} ({DESCRIPTORS.stat().st_size:,} bytes)")
