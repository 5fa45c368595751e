"""Tests of the gRPC services for health and reflection over a real connection, with their official clients."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from keras_gallery.serving.api.grpc import reflection
from keras_gallery.serving.wire import messages

from ..front_server import FrontServer, refusal


@pytest.fixture(scope="module")
def server() -> Iterator[FrontServer]:
    with FrontServer({}, health=True, reflection=True) as running:
        yield running


# === Health ===


def test_health(server: FrontServer) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)
    assert stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status == 1
    check = "/grpc.health.v1.Health/Check"
    message = health_pb2.HealthCheckRequest(service="tensorflow.serving.PredictionService")
    assert refusal(server, check, message) == ("NOT_FOUND", "service name unknown")
    for broken in (b"\xff", health_pb2.HealthCheckRequest(service="a" * 201)):
        assert refusal(server, check, broken) == ("INVALID_ARGUMENT", "could not parse request")
    with pytest.raises(grpc.RpcError, match="could not parse request"):
        next(server.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"\xff", timeout=10))


def test_large_requests_of_streams_are_refused(server: FrontServer, caplog: pytest.LogCaptureFixture) -> None:
    watch = health_pb2.HealthCheckRequest(service="a" * (1 << 20)).SerializeToString()
    with pytest.raises(grpc.RpcError) as caught:
        next(server.channel.unary_stream("/grpc.health.v1.Health/Watch")(watch, timeout=10))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # type: ignore[attr-defined]
    method = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    with pytest.raises(grpc.RpcError) as caught:
        next(server.channel.stream_stream(method)(iter([b"\x3a\x00" + watch]), timeout=10))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # type: ignore[attr-defined]
    assert "Traceback" not in caplog.text


def test_a_watch_call_ends_if_the_client_sends_another_request() -> None:
    """Otherwise the second request would stay in memory until the call ends."""
    with FrontServer({}, health=True) as server:
        watch = server.channel.stream_stream("/grpc.health.v1.Health/Watch")
        requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        requests.put(b"")
        answers = watch(iter(requests.get, None), timeout=10)
        assert next(answers) == b"\x08\x01"
        requests.put(b"")
        with pytest.raises(StopIteration):
            next(answers)


def test_health_watchers_see_the_stop_and_do_not_delay_it() -> None:
    with FrontServer({}, health=True) as other:
        stub = health_pb2_grpc.HealthStub(other.channel)
        all_services = stub.Watch(health_pb2.HealthCheckRequest(), timeout=30)
        unknown = stub.Watch(health_pb2.HealthCheckRequest(service="x"), timeout=30)
        assert (next(all_services).status, next(unknown).status) == (1, 3)
        other.stop()
        assert ([each.status for each in all_services], list(unknown)) == ([2], [])


def test_health_and_reflection_are_off_by_default() -> None:
    with FrontServer({}) as other:
        assert refusal(other, "/grpc.health.v1.Health/Check") == ("UNIMPLEMENTED", "")
        for version in ("v1", "v1alpha"):
            method = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
            assert refusal(other, method) == ("UNIMPLEMENTED", "")


# === Reflection ===


def test_the_official_client_finds_every_message(server: FrontServer) -> None:
    database = ProtoReflectionDescriptorDatabase(server.channel)
    assert list(database.get_services()) == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "inference.GRPCInferenceService",
        "tensorflow.serving.ModelService",
        "tensorflow.serving.PredictionService",
    ]
    from google.protobuf.descriptor_pool import DescriptorPool

    pool = DescriptorPool(database)
    method = pool.FindServiceByName("tensorflow.serving.PredictionService").FindMethodByName("Predict")
    assert [field.name for field in method.input_type.fields][:3] == ["model_spec", "inputs", "output_filter"]
    assert database.FindFileContainingSymbol("tensorflow.serving.PredictionService.Predict").service
    with pytest.raises(KeyError):
        database.FindFileContainingSymbol("tensorflow.serving.Nothing")
    with pytest.raises(KeyError):
        database.FindFileByName("nothing.proto")
    assert list(database.FindAllExtensionNumbers("tensorflow.serving.ModelSpec")) == []
    with pytest.raises(KeyError):
        database.FindAllExtensionNumbers("tensorflow.serving.Nothing")


def test_version_1_of_reflection(server: FrontServer) -> None:
    method = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    response_class = messages.message("grpc.reflection.v1.ServerReflectionResponse")
    extension = {"containing_type": "tensorflow.serving.ModelSpec", "extension_number": 1000}
    requests = [
        b"\x3a\x00",
        b"",
        messages.message("grpc.reflection.v1.ServerReflectionRequest")(
            file_containing_extension=extension
        ).SerializeToString(),
        b"\xff",
    ]
    answers = server.channel.stream_stream(method)(iter(requests), timeout=10)
    assert len(response_class.FromString(next(answers)).list_services_response.service) == 6
    assert [response_class.FromString(next(answers)).error_response.error_code for _ in range(2)] == [3, 5]
    with pytest.raises(grpc.RpcError, match="Malformed ServerReflectionRequest"):
        next(answers)


def test_the_number_of_answers_in_a_stream_is_limited(server: FrontServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflection, "MAX_ANSWERS", 3)
    method = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    answers = server.channel.stream_stream(method)(iter([b"\x3a\x00"] * 4), timeout=10)
    assert all(next(answers) for _ in range(3))
    with pytest.raises(grpc.RpcError, match="Expected at most 3 reflection requests in a stream") as caught:
        next(answers)
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
