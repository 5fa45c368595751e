"""`gallery encode` and `gallery denoise`: files in, files out, through a running server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.cli.main import main
from keras_gallery.cli.serve import free_port
from keras_gallery.serving.client import Client
from keras_gallery.serving.quiet import quiet_import
from keras_gallery.serving.tensorflow_serving import ServerProcess
from PIL import Image

MODEL = "small"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with quiet_import():
        from keras_gallery.models import create
        from keras_gallery.serving.export import export
    root = tmp_path_factory.mktemp("saved_models")
    export(create("denoising_autoencoder", image_shape=(8, 8, 1), filters=(4,), code_dim=5), MODEL, root)
    ports = {"port": free_port(), "rest_port": free_port()}
    with ServerProcess("auto", {MODEL: root / MODEL}, log=root / "log", **ports) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, an array and a text file."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(tmp_path / f"{name}.png")
    np.save(tmp_path / "c.npy", rng.random((3, 8, 8), np.float32))
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def pixels(file: Path) -> Any:
    return np.asarray(Image.open(file), np.float32)[None, ..., None] / 255


def test_a_picture(server: ServerProcess, folder: Path) -> None:
    with Client(server.grpc) as client:
        want = client.denoise(MODEL, pixels(folder / "a.png"))[0]
        code = client.encode(MODEL, pixels(folder / "a.png"))[0]
    assert main(["denoise", MODEL, str(folder / "a.png"), "--server", server.grpc]) == 0
    np.testing.assert_allclose(pixels(folder / "a.denoised.png")[0], want, atol=0.5 / 255 + 1e-4)
    out = str(folder / "sub" / "code.npy")
    assert main(["encode", MODEL, str(folder / "a.png"), "--output", out, "--server", server.rest]) == 0
    np.testing.assert_allclose(np.load(out), code, atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 8, 8, 1), (8, 8), (8, 8, 1)])
def test_an_array(server: ServerProcess, tmp_path: Path, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).random(shape, np.float32)
    np.save(tmp_path / "x.npy", images)
    assert main(["denoise", MODEL, str(tmp_path / "x.npy"), "--server", server.grpc]) == 0
    with Client(server.grpc) as client:
        want = client.denoise(MODEL, images.reshape(-1, 8, 8, 1))
    np.testing.assert_allclose(np.load(tmp_path / "x.denoised.npy"), want, atol=1e-4)


def test_bytes_are_scaled(server: ServerProcess, folder: Path) -> None:
    np.save(folder / "x.npy", np.asarray(Image.open(folder / "a.png")))
    for name in ("a.png", "x.npy"):
        assert main(["encode", MODEL, str(folder / name), "--server", server.grpc]) == 0
    np.testing.assert_allclose(np.load(folder / "x.code.npy")[0], np.load(folder / "a.code.npy"), atol=1e-4)


def test_a_folder(server: ServerProcess, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["denoise", MODEL, str(folder), "--output", str(out), "--server", server.grpc]) == 0
    assert sorted(file.name for file in out.iterdir()) == ["a.denoised.png", "b.denoised.png", "c.denoised.npy"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: Image.new("L", (9, 8)).save(f / "x.png"), "Expected a picture of 8x8 pixels"),
        (lambda f: Image.new("RGB", (8, 8)).save(f / "x.png"), "Expected a picture of 1 channel"),
        (lambda f: (f / "x.png").write_bytes(b"no picture"), "Expected a picture of 8x8 pixels"),
        (lambda f: np.save(f / "x.npy", np.zeros((3, 9, 8))), "Expected images of shape ('n', 8, 8, 1)"),
        (lambda f: np.save(f / "x.npy", np.array([{}]), allow_pickle=True), "Expected an NPY file of numbers"),
        (lambda f: (f / "x.npy").write_bytes(b"\x93NUMPY"), "Expected an NPY file of numbers"),
    ],
)
def test_bad_pictures(
    server: ServerProcess, tmp_path: Path, make: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path)
    (bad,) = tmp_path.iterdir()
    assert main(["denoise", MODEL, str(bad), "--server", server.grpc]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == [bad]
