"""Compares the message classes with the official message classes, in the same process."""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from keras_gallery.serving.wire import messages

from tools.build_descriptors import official_descriptors


def official(module: str, name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(importlib.import_module(module), name)


@pytest.mark.models
def test_committed_descriptors_equal_the_official_descriptors() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = descriptor_pb2.FileDescriptorSet.FromString(official_descriptors())
    committed = descriptor_pb2.FileDescriptorSet.FromString(messages.DESCRIPTORS.read_bytes())
    assert [file.name for file in committed.file] == [file.name for file in expected.file]
    assert committed == expected


APIS = "tensorflow_serving.apis."
SHARED = [  # (module, name of the message class, fields)
    (APIS + "predict_pb2", "PredictRequest", {"model_spec": {"name": "m", "version": {"value": 7}}}),
    (APIS + "predict_pb2", "PredictResponse", {"model_spec": {"name": "m", "version_label": "stable"}}),
    (APIS + "classification_pb2", "ClassificationRequest", {"model_spec": {"signature_name": "s"}}),
    (APIS + "get_model_metadata_pb2", "GetModelMetadataRequest", {"metadata_field": ["signature_def"]}),
    (APIS + "get_model_status_pb2", "GetModelStatusResponse", {"model_version_status": [{"version": 3}]}),
    (APIS + "prediction_log_pb2", "PredictionLog", {"log_metadata": {"model_spec": {"name": "m"}}}),
    ("grpc_health.v1.health_pb2", "HealthCheckRequest", {"service": "s"}),
    ("grpc_reflection.v1alpha.reflection_pb2", "ServerReflectionRequest", {"list_services": "*"}),
    ("tensorflow.core.framework.tensor_pb2", "TensorProto", {"dtype": 1, "float_val": [1.5, -2.0]}),
    ("tensorflow.core.protobuf.saved_model_pb2", "SavedModel", {"saved_model_schema_version": 1}),
]


@pytest.mark.models
@pytest.mark.parametrize(("module", "name", "fields"), SHARED, ids=[name for _, name, _ in SHARED])
def test_official_classes_read_our_bytes_and_vice_versa(module: str, name: str, fields: dict[str, Any]) -> None:
    theirs = official(module, name)(**fields)
    ours = messages.message(theirs.DESCRIPTOR.full_name)(**fields)
    assert type(ours) is not type(theirs)
    assert type(ours).FromString(theirs.SerializeToString()) == ours
    assert type(theirs).FromString(ours.SerializeToString()) == theirs


def test_reflection_messages_of_v1_and_v1alpha_have_the_same_encoding() -> None:
    alpha, one = (
        messages.message(f"grpc.reflection.{version}.ServerReflectionResponse") for version in ("v1alpha", "v1")
    )
    answer = {"original_request": {"file_by_filename": "f"}, "error_response": {"error_code": 5, "error_message": "m"}}
    assert alpha(**answer).SerializeToString() == one(**answer).SerializeToString()
    assert one.DESCRIPTOR.file.name == "grpc_reflection/v1/reflection.proto"
    assert [field.name for field in one.DESCRIPTOR.fields] == [field.name for field in alpha.DESCRIPTOR.fields]


def test_unknown_names() -> None:
    with pytest.raises(AttributeError, match="No API of the server has a message NoSuchMessage"):
        messages.NoSuchMessage  # noqa: B018
    with pytest.raises(KeyError):
        messages.message("tensorflow.NoSuchMessage")


def test_message_classes_are_cached() -> None:
    assert messages.PredictRequest is messages.PredictRequest
    assert messages.message("tensorflow.serving.PredictRequest") is messages.PredictRequest


def test_tensorflow_is_not_imported() -> None:
    code = (
        "import sys; from keras_gallery.serving.wire import messages, predict\n"
        "import keras_gallery.serving.wire.json.predict\n"
        "messages.PredictRequest; assert not {'tensorflow', 'tensorflow_serving'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
