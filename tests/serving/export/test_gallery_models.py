"""Exports a small, untrained model of each autoencoder, and tests the models on a server over gRPC and REST."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from keras_gallery.models import describe, list_models
from keras_gallery.serving.client import Client
from keras_gallery.serving.engines.openvino import files as openvino_files
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.quiet import quiet_import
from PIL import Image

OVERRIDES: dict[str, dict[str, Any]] = {
    "colorization_autoencoder": {"image_shape": (8, 8, 3)},
    "dense_autoencoder": {"code_dim": 5},
    "linear_autoencoder": {"code_dim": 5},
    "overcomplete_autoencoder": {"code_dim": 64},
    "tied_autoencoder": {"code_dim": 5},
}
SERVED: dict[str, tuple[str, dict[str, Any]]] = {  # by name on the server: registered name and hyperparameters
    **{name: (name, OVERRIDES.get(name, {})) for name in list_models() if describe(name).family == "autoencoders"},
    "feature_maps": ("convolutional_autoencoder", {"code": "maps", "filters": (4, 3)}),
    "sparse_l1": ("sparse_autoencoder", {"penalty": "l1"}),
}
GENERATIVE = "variational_autoencoder"
COUNT = 5


@dataclass
class Gallery:
    """The Keras models, their version folders, and a server that serves all models."""

    models: dict[str, Any]
    folders: dict[str, Path]
    server: ServerProcess


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory, server_kind: str) -> Iterator[Gallery]:
    with quiet_import():
        import keras
        from keras_gallery.models import create
        from keras_gallery.serving.export.writing import export
    keras.utils.set_random_seed(3)
    root = tmp_path_factory.mktemp("gallery")
    models = {
        served: create(name, **{"image_shape": (8, 8, 1), **options}) for served, (name, options) in SERVED.items()
    }
    folders = {served: export(model, served, root) for served, model in models.items()}
    bases = {served: folder.parent for served, folder in folders.items()}
    ports = {"port": free_port(), "rest_port": free_port()}
    with ServerProcess(server_kind, bases, log=root / "log", **ports) as server:
        server.wait_until_ready()
        yield Gallery(models, folders, server)


@pytest.fixture(params=["grpc", "rest"])
def client(request: pytest.FixtureRequest, gallery: Gallery) -> Iterator[Client]:
    with Client(getattr(gallery.server, request.param), timeout=120) as connected:
        yield connected


def normal(dimensions: int, seed: int, count: int) -> Any:
    import tensorflow as tf

    return tf.random.stateless_normal((count, dimensions), (seed, 0), alg="philox")


def files_of(images: Any) -> list[bytes]:
    """Encodes images (batch, height, width, 1) in [0, 1] as PNG files."""
    files = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(np.rint(image[..., 0] * 255).astype(np.uint8)).save(file, "png")
        files.append(file.getvalue())
    return files


def keras_outputs(model: Any, x: Any) -> dict[str, tuple[dict[str, Any], Any]]:
    """Returns by signature the inputs and the expected output, for all signatures that an autoencoder may have."""
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    out, code = np.asarray(model(x)), np.asarray(encoder(x))
    image, files = {"image": x}, {"image_bytes": np.array(files_of(x), object)}
    generated = {"seed": 1, "count": 4}
    return {
        **dict.fromkeys(("serving_default", "reconstruct", "denoise", "colorize"), (image, out)),
        **dict.fromkeys(("denoise_png", "colorize_png"), (files, out)),
        "encode": (image, code),
        "encode_png": (files, code),
        "decode": ({"code": code}, np.asarray(decoder(code))),
        "score": (image, ((out - x) ** 2).sum((1, 2, 3))),
        "generate": (
            generated,
            np.asarray(decoder(normal(code.shape[-1], **generated))) if code.ndim == 2 else None,
        ),
    }


@pytest.mark.parametrize("name", SERVED)
def test_outputs_equal_keras(gallery: Gallery, client: Client, images: Any, name: str) -> None:
    expected = keras_outputs(gallery.models[name], images)
    signatures = client.signatures(name)
    assert {"serving_default", "encode", "encode_png"} <= signatures.keys()
    for signature in signatures:
        inputs, want = expected[signature]
        (got,) = client.predict(name, inputs, signature=signature).values()
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4, err_msg=signature)


AUTOENCODER = {"serving_default", "reconstruct", "encode", "decode", "score", "encode_png"}
SPECIAL = {
    "colorization_autoencoder": {"serving_default", "colorize", "encode", "colorize_png", "encode_png"},
    "denoising_autoencoder": AUTOENCODER | {"denoise", "denoise_png"},
    GENERATIVE: AUTOENCODER | {"generate"},
}


@pytest.mark.parametrize("name", SERVED)
def test_signatures(gallery: Gallery, client: Client, name: str) -> None:
    assert set(client.signatures(name)) == SPECIAL.get(name, AUTOENCODER)


def test_codes_may_be_feature_maps(client: Client, images: Any) -> None:
    codes = client.encode("feature_maps", images)
    assert codes.shape == (7, 2, 2, 3)
    np.testing.assert_allclose(
        client.decode("feature_maps", codes), client.reconstruct("feature_maps", images), atol=1e-4
    )


# === The graphs ===


def operations(folder: Path, signature: str | None = None) -> set[str]:
    """Returns all operations of a SavedModel, or the operations of one signature."""
    import tensorflow as tf
    from keras_gallery.serving import saved_model
    from keras_gallery.serving.export import writing as export

    if signature is None:
        return export.operations(saved_model.read_meta_graph(folder).graph_def)
    return export.operations(tf.saved_model.load(str(folder)).signatures[signature].graph.as_graph_def())


@pytest.mark.parametrize("name", SERVED)
def test_graphs_have_no_gpu_operations_and_only_generate_is_random(gallery: Gallery, name: str) -> None:
    used = operations(gallery.folders[name])
    assert not [op for op in used if op.startswith("Cudnn")]
    assert any("Random" in op for op in used) == (name == GENERATIVE)
    losses = gallery.models[name].losses + gallery.models[name].get_layer("encoder").losses
    assert all(np.isfinite(loss) for loss in losses), "the losses are numbers, not tensors of the exported graph"


def test_encode_and_generate_keep_no_state(gallery: Gallery) -> None:
    from tensorflow.python.framework import op_def_registry

    reading = {"VarHandleOp", "ReadVariableOp", "StatefulPartitionedCall"}
    for signature in ("encode", "generate"):
        used = operations(gallery.folders[GENERATIVE], signature)
        assert "MatMul" in used
        stateful = {op for op in used if (known := op_def_registry.get(op)) and known.is_stateful}
        assert stateful - reading - {"Assert"} == set()
        assert any("Random" in op for op in used) == (signature == "generate")


def test_openvino_does_not_run_signatures_with_random_numbers_or_assertions(gallery: Gallery) -> None:
    index = openvino_files.read(gallery.folders[GENERATIVE] / openvino_files.FOLDER)
    assert index is not None
    assert not {"generate", "encode_png"} & index.signatures.keys()


@pytest.mark.parametrize("name", SERVED)
def test_every_signature_is_answered_without_tensorflow(gallery: Gallery, name: str, tmp_path: Path) -> None:
    from .without_tensorflow import check

    check(gallery.models[name], gallery.folders[name], tmp_path / "cache")


# === Generate ===


def test_generate(client: Client, gallery: Gallery) -> None:
    decoder = gallery.models[GENERATIVE].get_layer("decoder")
    images = client.generate(GENERATIVE, seed=7, count=COUNT)
    assert images.shape == (COUNT, 8, 8, 1) and images.dtype == np.float32
    np.testing.assert_allclose(images, decoder(normal(50, 7, COUNT)), atol=1e-4)
    np.testing.assert_array_equal(client.generate(GENERATIVE, seed=7, count=COUNT), images)
    assert np.abs(client.generate(GENERATIVE, seed=8, count=COUNT) - images).max() > 0.01
    assert client.generate(GENERATIVE).shape == (1, 8, 8, 1)
    assert client.generate(GENERATIVE, seed=-(1 << 63), count=1024).shape == (1024, 8, 8, 1)
    codes = np.asarray(normal(50, 7, COUNT))
    np.testing.assert_allclose(client.generate(GENERATIVE, codes), images, atol=1e-4)


def test_encode_is_deterministic(client: Client, images: Any) -> None:
    np.testing.assert_array_equal(client.encode(GENERATIVE, images), client.encode(GENERATIVE, images))


@pytest.mark.parametrize("count", [0, -1, 1025, (1 << 31) - 1])
def test_a_count_out_of_range(client: Client, count: int) -> None:
    with pytest.raises(InvalidArgument, match=f"Expected a count from 1 to 1024. Received: {count}") as caught:
        client.generate(GENERATIVE, count=count)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"seed": 0, "count": 0}, "Expected a count from 1 to 1024. Received: 0"),
        ({"seed": 0, "count": (1 << 32) + 1}, "JSON Value: 4294967297 Type: Number is not of expected type: int32"),
        ({"seed": 0, "count": 1.5}, "is not of expected type: int32"),
        ({"seed": 0}, "Missing named input: count"),
    ],
)
def test_invalid_request_bodies(gallery: Gallery, inputs: Any, message: str) -> None:
    body = {"signature_name": "generate", "inputs": inputs}
    answer = httpx.post(f"{gallery.server.rest}/v1/models/{GENERATIVE}:predict", json=body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


@pytest.mark.parametrize(
    "inputs", [{"seed": [0], "count": [2]}, {"seed": 0, "count": [2, 3]}, {"seed": [0, 1], "count": 2}]
)
def test_lists_instead_of_scalars_are_rejected(client: Client, inputs: Any) -> None:
    with pytest.raises(InvalidArgument):
        client.predict(GENERATIVE, inputs, signature="generate")


def test_integers_that_do_not_fit_the_dtype_are_rejected(client: Client) -> None:
    with pytest.raises(InvalidArgument, match="Expected count to fit into int32. Received: 4294967297"):
        client.generate(GENERATIVE, count=(1 << 32) + 1)
    with pytest.raises(InvalidArgument, match="Expected seed to fit into int64. Received: 9223372036854775808"):
        client.generate(GENERATIVE, seed=1 << 63)


# === Colorize ===


def test_colorize_from_grey_and_colour(client: Client, gallery: Gallery, images: Any) -> None:
    name = "colorization_autoencoder"
    got = client.colorize(name, images)
    assert got.shape == (7, 8, 8, 3)
    np.testing.assert_allclose(client.colorize(name, files_of(images)), got, atol=1e-4)
    rgb = np.random.default_rng(5).integers(0, 256, (8, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "png")
    grey = (rgb / 255 @ [0.299, 0.587, 0.114])[None, ..., None].astype(np.float32)
    np.testing.assert_allclose(client.colorize(name, file.getvalue()), client.colorize(name, grey), atol=1e-4)
    with pytest.raises(InvalidArgument, match=r"Expected a picture of 1 or 3 channel\(s\)"):
        file = io.BytesIO()
        Image.fromarray(np.zeros((8, 8, 4), np.uint8)).save(file, "png")
        client.colorize(name, file.getvalue())
