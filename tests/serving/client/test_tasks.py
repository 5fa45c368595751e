"""Tests of classifiers, regressors, segmenters and detectors on a real server.

The requests come from our client, from the official gRPC stubs, and from an HTTP client with JSON.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from keras_gallery.serving.client import Client
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.quiet import quiet_import
from PIL import Image

LABELS = ["ant", "bee", "žába"]


@dataclass
class Tasks:
    """The Keras models by name, and a server with all these models."""

    models: dict[str, Any]
    server: ServerProcess


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory, server_kind: str) -> Iterator[Tasks]:
    with quiet_import():
        import keras
        from keras_gallery.serving.export.writing import export

        from .. import task_models
    keras.utils.set_random_seed(0)
    root = tmp_path_factory.mktemp("tasks")
    models = {
        "classifier": task_models.classifier(),
        "regressor": task_models.regressor(),
        "segmenter": task_models.segmenter(),
        "detector": task_models.quadrant_detector(),
    }
    labels = {"classifier": LABELS, "detector": ["light"]}
    bases = {name: export(model, name, root, labels=labels.get(name)).parent for name, model in models.items()}
    with ServerProcess(server_kind, bases, log=root / "log", port=free_port(), rest_port=free_port()) as server:
        server.wait_until_ready()
        yield Tasks(models, server)


@pytest.fixture(params=["grpc", "rest"])
def client(request: pytest.FixtureRequest, tasks: Tasks) -> Iterator[Client]:
    with Client(getattr(tasks.server, request.param), timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def vectors() -> Any:
    return np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)


# === Our client ===


def test_classify(client: Client, tasks: Tasks, images: Any, png_files: list[bytes]) -> None:
    want = tasks.models["classifier"].predict(images, verbose=0)
    for inputs in (images, png_files):
        got = client.classify("classifier", inputs)
        assert got.labels == [LABELS[best] for best in want.argmax(1)]
        np.testing.assert_allclose(got.scores, want.max(1), atol=1e-4)
        np.testing.assert_allclose(got.probabilities, want, atol=1e-4)
    plain = client.predict("classifier", images)
    np.testing.assert_allclose(plain["probabilities"], want, atol=1e-4)


def test_embed(client: Client, tasks: Tasks, images: Any, png_files: list[bytes]) -> None:
    import keras

    model = tasks.models["classifier"]
    want = keras.Model(model.inputs, model.get_layer("embedding").output).predict(images, verbose=0)
    np.testing.assert_allclose(client.embed("classifier", images), want, atol=1e-4)
    np.testing.assert_allclose(client.embed("classifier", png_files), want, atol=1e-4)


def test_regress(client: Client, tasks: Tasks, vectors: Any) -> None:
    want = tasks.models["regressor"].predict(vectors, verbose=0)
    np.testing.assert_allclose(client.regress("regressor", vectors), want, atol=1e-4)
    assert client.embed("regressor", vectors).shape == (5, 5)


def test_segment(client: Client, images: Any, png_files: list[bytes]) -> None:
    for inputs in (images, png_files):
        got = client.segment("segmenter", inputs)
        np.testing.assert_array_equal(got.mask, images[..., 0] < 0.5)
        np.testing.assert_allclose(got.confidence, abs(images[..., 0] - 0.5) + 0.5, atol=1e-6)
        assert got.mask.dtype == np.uint8 and got.confidence.dtype == np.float32


def test_detect(client: Client) -> None:
    images = np.zeros((3, 8, 8, 1), np.float32)
    images[1, 4:, :4] = 0.6  # the lower left quadrant
    images[2] = 1
    none, one, four = client.detect("detector", images)
    assert none.boxes.shape == (0, 4) and none.labels == []
    np.testing.assert_allclose(one.boxes, [[4, 0, 8, 4]], atol=1e-4)
    np.testing.assert_allclose(one.scores, [0.6], atol=1e-4)
    assert one.labels == ["light"] and four.labels == ["light"] * 4
    file = io.BytesIO()
    Image.fromarray(np.rint(images[1, ..., 0] * 255).astype(np.uint8)).save(file, "png")
    (same,) = client.detect("detector", file.getvalue())
    np.testing.assert_allclose(same.boxes, one.boxes)


def test_a_model_for_another_task(client: Client, images: Any) -> None:
    with pytest.raises(InvalidArgument, match="Expected a signature of segmenter: segment, .*. Received: classify"):
        client.classify("segmenter", images)


# === tf.Examples in Classify and Regress requests ===


@pytest.fixture(scope="module")
def stub(tasks: Tasks) -> Iterator[Any]:
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    with grpc.insecure_channel(tasks.server.grpc) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def fill(request: Any, model: str, signature: str, feature: str, rows: Any) -> Any:
    """Returns a ClassificationRequest or RegressionRequest with an example for each row."""
    request.model_spec.name, request.model_spec.signature_name = model, signature
    for row in rows:
        example = request.input.example_list.examples.add()
        example.features.feature[feature].float_list.value.extend(row.ravel().tolist())
    return request


def test_classify_over_grpc(stub: Any, tasks: Tasks, images: Any) -> None:
    from tensorflow_serving.apis import classification_pb2

    request = fill(classification_pb2.ClassificationRequest(), "classifier", "classify_example", "image", images)
    answer = stub.Classify(request, 60)
    rows = [[(each.label, each.score) for each in row.classes] for row in answer.result.classifications]
    assert [[label for label, _ in row] for row in rows] == [LABELS] * len(images)
    want = tasks.models["classifier"].predict(images, verbose=0)
    np.testing.assert_allclose([[score for _, score in row] for row in rows], want, atol=1e-4)
    assert answer.model_spec.signature_name == "classify_example"


def test_regress_over_grpc(stub: Any, tasks: Tasks, vectors: Any) -> None:
    from tensorflow_serving.apis import regression_pb2

    request = fill(regression_pb2.RegressionRequest(), "regressor", "regress_example", "features", vectors)
    got = [each.value for each in stub.Regress(request, 60).result.regressions]
    np.testing.assert_allclose(got, tasks.models["regressor"].predict(vectors, verbose=0)[:, 0], atol=1e-4)


def test_multi_inference(stub: Any, vectors: Any) -> None:
    from tensorflow_serving.apis import inference_pb2

    request = inference_pb2.MultiInferenceRequest()
    task = request.tasks.add(method_name="tensorflow/serving/regress")
    task.model_spec.name, task.model_spec.signature_name = "regressor", "regress_example"
    features = request.input.example_list.examples.add().features
    features.feature["features"].float_list.value.extend(vectors[0].tolist())
    (result,) = stub.MultiInference(request, 60).results
    assert len(result.regression_result.regressions) == 1


def test_the_default_signature_does_not_read_examples(stub: Any, images: Any) -> None:
    from tensorflow_serving.apis import classification_pb2

    with pytest.raises(grpc.RpcError) as caught:
        stub.Classify(fill(classification_pb2.ClassificationRequest(), "classifier", "", "image", images), 60)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def post(tasks: Tasks, path: str, body: Any) -> Any:
    answer = httpx.post(f"{tasks.server.rest}/v1/models/{path}", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_classify_over_rest(tasks: Tasks, images: Any) -> None:
    examples = [{"image": image.ravel().tolist()} for image in images]
    body = {"signature_name": "classify_example", "examples": examples}
    rows = post(tasks, "classifier:classify", body)["results"]
    assert [[label for label, _ in row] for row in rows] == [LABELS] * len(images)
    want = tasks.models["classifier"].predict(images, verbose=0)
    np.testing.assert_allclose([[score for _, score in row] for row in rows], want, atol=1e-4)


def test_regress_over_rest(tasks: Tasks, vectors: Any) -> None:
    examples = [{"features": row.tolist()} for row in vectors]
    got = post(tasks, "regressor:regress", {"signature_name": "regress_example", "examples": examples})["results"]
    np.testing.assert_allclose(got, tasks.models["regressor"].predict(vectors, verbose=0)[:, 0], atol=1e-4)


@pytest.mark.parametrize("features", [[1, 2, 3, 4], [1, 0.5, 2.0, 3.0], [1.0, 2.0, 3.0]])
def test_invalid_examples(tasks: Tasks, features: list[float]) -> None:
    """The server rejects integers, a mixture of integers and floats, and a missing value."""
    body = {"signature_name": "regress_example", "examples": [{"features": features}]}
    assert httpx.post(f"{tasks.server.rest}/v1/models/regressor:regress", json=body, timeout=60).status_code == 400


CHECKS: dict[tuple[str, str], Callable[[Any], bool]] = {
    ("classifier", "classify"): lambda row: row["label"] in LABELS and len(row["probabilities"]) == 3,
    ("detector", "detect"): lambda row: len(row["boxes"]) == 16 and row["labels"][15] == "",
    ("segmenter", "segment"): lambda row: row["mask"][0][0] in (0, 1),
}


@pytest.mark.parametrize(("model", "signature"), CHECKS)
def test_predictions_over_rest(tasks: Tasks, images: Any, model: str, signature: str) -> None:
    body = {"signature_name": signature, "instances": images[:2].tolist()}
    rows = post(tasks, f"{model}:predict", body)["predictions"]
    assert len(rows) == 2 and all(map(CHECKS[model, signature], rows))
