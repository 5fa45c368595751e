"""Tests of `gallery encode`, `denoise`, `colorize` and `generate` with a running server: reading and writing files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.cli.main import main
from keras_gallery.serving.client import Client
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.quiet import quiet_import
from PIL import Image

MODEL, COLOUR, NEW = "small", "colour", "new"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with quiet_import():
        from keras_gallery.models import create
        from keras_gallery.serving.export.writing import export
    root = tmp_path_factory.mktemp("saved_models")
    export(create("denoising_autoencoder", image_shape=(8, 8, 1), filters=(4,), code_dim=5), MODEL, root)
    export(create("colorization_autoencoder", image_shape=(8, 8, 3), filters=(4,)), COLOUR, root)
    export(create("variational_autoencoder", image_shape=(8, 8, 1), hidden=(4,), code_dim=2), NEW, root)
    models = {name: root / name for name in (MODEL, COLOUR, NEW)}
    ports = {"port": free_port(), "rest_port": free_port()}
    with ServerProcess("auto", models, log=root / "log", **ports) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two image files, an array file and a text file."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(tmp_path / f"{name}.png")
    np.save(tmp_path / "c.npy", rng.random((3, 8, 8), np.float32))
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def pixels(file: Path) -> Any:
    return np.asarray(Image.open(file), np.float32)[None, ..., None] / 255


def test_an_image_file(server: ServerProcess, folder: Path) -> None:
    with Client(server.grpc) as client:
        image = client.denoise(MODEL, pixels(folder / "a.png"))[0]
        code = client.encode(MODEL, pixels(folder / "a.png"))[0]
    assert main(["denoise", MODEL, str(folder / "a.png"), "--server", server.grpc]) == 0
    np.testing.assert_allclose(pixels(folder / "a.denoised.png")[0], image, atol=0.5 / 255 + 1e-4)
    out = str(folder / "sub" / "code.npy")
    assert main(["encode", MODEL, str(folder / "a.png"), "--output", out, "--server", server.rest]) == 0
    np.testing.assert_allclose(np.load(out), code, atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 8, 8, 1), (8, 8), (8, 8, 1)])
def test_an_array_file(server: ServerProcess, tmp_path: Path, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).random(shape, np.float32)
    np.save(tmp_path / "x.npy", images)
    assert main(["denoise", MODEL, str(tmp_path / "x.npy"), "--server", server.grpc]) == 0
    with Client(server.grpc) as client:
        expected = client.denoise(MODEL, images.reshape(-1, 8, 8, 1))
    np.testing.assert_allclose(np.load(tmp_path / "x.denoised.npy"), expected, atol=1e-4)


def test_a_uint8_array_is_scaled_to_0_1(server: ServerProcess, folder: Path) -> None:
    np.save(folder / "x.npy", np.asarray(Image.open(folder / "a.png")))
    for name in ("a.png", "x.npy"):
        assert main(["encode", MODEL, str(folder / name), "--server", server.grpc]) == 0
    np.testing.assert_allclose(np.load(folder / "x.code.npy")[0], np.load(folder / "a.code.npy"), atol=1e-4)


def test_a_folder(server: ServerProcess, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, signatures = [], Client.signatures
    monkeypatch.setattr(Client, "signatures", lambda *each, **more: asked.append(each) or signatures(*each, **more))
    out = tmp_path / "out"
    assert main(["denoise", MODEL, str(folder), "--output", str(out), "--server", server.grpc]) == 0
    assert sorted(file.name for file in out.iterdir()) == ["a.denoised.png", "b.denoised.png", "c.denoised.npy"]
    assert len(asked) == 1  # not once for each file


def test_two_files(server: ServerProcess, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    files = [str(folder / name) for name in ("b.png", "c.npy")]
    assert main(["denoise", MODEL, *files, "--output", str(out), "--server", server.grpc]) == 0
    assert sorted(file.name for file in out.iterdir()) == ["b.denoised.png", "c.denoised.npy"]
    assert main(["encode", MODEL, *files, "--server", server.grpc]) == 0
    assert (folder / "b.code.npy").is_file() and (folder / "c.code.npy").is_file()


def test_two_inputs_with_the_same_output(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (8, 8)).save(folder / "a.jpg")
    before = sorted(folder.iterdir())
    assert main(["denoise", MODEL, str(folder)]) == 2
    error = capsys.readouterr().err
    assert "Two inputs have the same output " in error and error.count("\n") == 1
    assert "a.jpg and " in error and sorted(folder.iterdir()) == before


def test_colorize(server: ServerProcess, folder: Path) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(rgb).save(folder / "rgb.png")
    with Client(server.grpc) as client:
        from_grey = client.colorize(COLOUR, pixels(folder / "a.png"))[0]
        grey = (rgb / 255 @ [0.299, 0.587, 0.114])[None, ..., None]
        from_colour = client.colorize(COLOUR, grey)[0]
    files = [str(folder / name) for name in ("a.png", "rgb.png", "c.npy")]
    assert main(["colorize", COLOUR, *files, "--server", server.rest]) == 0
    for name, expected in (("a", from_grey), ("rgb", from_colour)):
        picture = np.asarray(Image.open(folder / f"{name}.colorized.png"), np.float32) / 255
        np.testing.assert_allclose(picture, expected.clip(0, 1), atol=0.5 / 255 + 1e-4)
    assert np.load(folder / "c.colorized.npy").shape == (3, 8, 8, 3)


def test_score_reconstruct_and_decode(
    server: ServerProcess, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    images = np.concatenate([pixels(folder / "a.png"), np.load("c.npy")[..., None]])
    with Client(server.grpc) as client:
        scores, codes = client.score(MODEL, images), client.encode(MODEL, images)
        expected = client.reconstruct(MODEL, images)
    for target in (server.grpc, server.rest):
        assert main(["score", MODEL, "a.png", "c.npy", "--server", target]) == 0
        lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
        assert [name for name, _ in lines] == ["a.png", "c.npy[0]", "c.npy[1]", "c.npy[2]"]
        np.testing.assert_allclose([float(score) for _, score in lines], scores, rtol=1e-3)
    np.save("a.code.npy", codes[0])
    np.save("codes.npy", codes)
    assert main(["reconstruct", MODEL, "a.png", "--server", server.grpc]) == 0
    assert main(["decode", MODEL, "a.code.npy", "codes.npy", "--server", server.grpc]) == 0
    for name in ("a.reconstruction.png", "a.decoded.png"):
        np.testing.assert_allclose(pixels(folder / name)[0], expected[0], atol=0.5 / 255 + 1e-4)
    np.testing.assert_allclose(np.load("codes.decoded.npy"), expected, atol=1e-4)


def test_all_codes_in_one_file(server: ServerProcess, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    with Client(server.grpc) as client:
        arrays = [pixels(folder / "a.png"), pixels(folder / "b.png"), np.load(folder / "c.npy")[..., None]]
        expected = client.encode(MODEL, np.concatenate(arrays))
    output = ["--output", str(folder / "codes.npz"), "--server", server.rest]
    assert main(["encode", MODEL, folder.name, *output]) == 0
    with np.load(folder / "codes.npz") as found:
        assert found["file"].tolist() == [f"{folder.name}/{name}" for name in ("a.png", "b.png", *3 * ("c.npy",))]
        assert found["row"].tolist() == [-1, -1, 0, 1, 2]
        np.testing.assert_allclose(found["code"], expected, atol=1e-4)


# === Generate ===


def test_generate_from_a_seed(server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["generate", NEW, "--count", "11", "--seed", "3", "--server", server.grpc]) == 0
    with Client(server.rest) as client:
        expected = client.generate(NEW, seed=3, count=11)
    files = sorted((tmp_path / f"{NEW}-generated").iterdir())
    assert [file.name for file in files] == [f"{number:02}.png" for number in range(11)]
    np.testing.assert_allclose(np.concatenate([pixels(file) for file in files]), expected, atol=0.5 / 255 + 1e-4)


def test_generate_from_codes(server: ServerProcess, tmp_path: Path) -> None:
    codes = np.array([[0, 0], [1, -1]], np.float32)
    np.save(tmp_path / "codes.npy", codes)
    out = tmp_path / "out"
    options = ["--codes", str(tmp_path / "codes.npy"), "--output", str(out), "--server", server.rest]
    assert main(["generate", NEW, *options]) == 0
    with Client(server.grpc) as client:
        expected = client.decode(NEW, codes)
    found = np.concatenate([pixels(out / name) for name in ("0.png", "1.png")])
    np.testing.assert_allclose(found, expected, atol=0.5 / 255 + 1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--count", "0"], "Expected a count from 1 to 1024. Received: 0"),
        (["--count", "5000000000"], "Expected count to fit into int32. Received: 5000000000"),
        (["--count", "many"], "--count"),
        (["--codes", "nowhere.npy"], "Expected an NPY file of numbers: nowhere.npy"),
    ],
)
def test_invalid_options_of_generate(
    server: ServerProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["generate", NEW, *options, "--server", server.grpc]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_generate_with_a_wrong_model(server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", MODEL, "--output", str(tmp_path / "out"), "--server", server.grpc]) == 2
    assert f"{MODEL} has no signature generate. It has: " in capsys.readouterr().err


# === Formats and values of images ===


@pytest.mark.parametrize("suffix", ["bmp", "gif", "tif", "tiff", "webp", "BMP"])
def test_other_formats_are_converted_to_png(server: ServerProcess, folder: Path, suffix: str) -> None:
    with Image.open(folder / "a.png") as image:
        image.save(folder / f"other.{suffix}", lossless=True)
    has_channels = suffix in ("gif", "webp")  # always three, also for a grey image
    task, model, ending = ("colorize", COLOUR, "colorized.png") if has_channels else ("encode", MODEL, "code.npy")
    for name in ("a.png", f"other.{suffix}"):
        assert main([task, model, str(folder / name), "--server", server.grpc]) == 0
    read = np.load if ending.endswith(".npy") else pixels
    np.testing.assert_allclose(read(folder / f"other.{ending}"), read(folder / f"a.{ending}"), atol=1e-2)


def test_a_colour_space_that_png_lacks(server: ServerProcess, folder: Path) -> None:
    Image.new("CMYK", (8, 8)).save(folder / "print.tif")
    assert main(["colorize", COLOUR, str(folder / "print.tif"), "--server", server.grpc]) == 0


def test_values_up_to_255_are_refused(
    server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, scale in (("bytes", 255), ("fractions", 1)):
        np.save(tmp_path / f"{name}.npy", np.linspace(0, scale, 64, dtype=np.float32).reshape(8, 8))
    out = tmp_path / "out"
    assert main(["encode", MODEL, str(tmp_path), "--output", str(out), "--server", server.grpc]) == 1
    assert capsys.readouterr().err == (
        f"gallery: {tmp_path / 'bytes.npy'}[0]: Expected images with values in [0, 1]. "
        "Received: values from 0 to 255. Divide 8-bit pixels by 255.\n"
    )
    assert [file.name for file in out.iterdir()] == ["fractions.code.npy"]


def test_values_below_the_range_give_a_warning(
    server: ServerProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(file := tmp_path / "x.npy", np.full((400, 8, 8), -9, np.float32))
    assert main(["score", MODEL, str(file), "--server", server.grpc]) == 0
    assert capsys.readouterr().err == (
        f"gallery: warning: {file}: Expected images with values in [0, 1]. "
        "Received: values from -9 to -9. Divide 8-bit pixels by 255.\n"
    )


# === Invalid files ===


def write_cut_png(file: Path) -> None:
    Image.effect_noise((8, 8), 50).save(file)
    file.write_bytes(file.read_bytes()[:60])


def test_an_invalid_file_among_others(
    server: ServerProcess, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.png").write_bytes(b"no picture")
    np.save(folder / "aa.npy", np.zeros((3, 9, 8)))
    out = tmp_path / "out"
    assert main(["denoise", MODEL, str(folder), "--output", str(out), "--server", server.grpc]) == 1
    assert sorted(file.name for file in out.iterdir()) == ["b.denoised.png", "c.denoised.npy"]
    printed = capsys.readouterr()
    first, second = printed.err.splitlines()
    assert first == f"gallery: Cannot read the image {folder / 'a.png'}: not a picture, or damaged."
    assert second.startswith("gallery: Expected an array of shape ('n', 8, 8, 1) in ") and "aa.npy" in second
    assert len(printed.out.splitlines()) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: Image.new("L", (9, 8)).save(f / "x.png"), "Expected a picture of 8x8 pixels"),
        (lambda f: Image.new("RGB", (8, 8)).save(f / "x.png"), "Expected a picture of 1 channel"),
        (lambda f: (f / "x.png").write_bytes(b"no picture"), "x.png: not a picture, or damaged."),
        (lambda f: (f / "x.png").write_bytes(b""), "x.png: not a picture, or damaged."),
        (
            lambda f: (f / "x.png").write_bytes(b"%!PS-Adobe-3.0 EPSF\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"),
            "x.png: not a picture, or damaged.",
        ),
        (lambda f: write_cut_png(f / "x.png"), "x.png is damaged, or is not an image."),
        (lambda f: Image.new("F", (8, 8)).save(f / "x.tif"), "x.tif: its values are floating-point numbers"),
        (lambda f: np.save(f / "x.npy", np.zeros((3, 9, 8))), "Expected an array of shape ('n', 8, 8, 1)"),
        (lambda f: np.save(f / "x.npy", np.array([{}]), allow_pickle=True), "Expected an NPY file of numbers"),
        (lambda f: np.save(f / "x.npy", np.full((1, 8, 8, 1), "a")), "Expected an NPY file of numbers"),
        (
            lambda f: np.savez(f / "x", np.zeros(1)) or (f / "x.npz").rename(f / "x.npy"),
            "Expected an NPY file of numbers",
        ),
        (lambda f: (f / "x.npy").write_bytes(b"\x93NUMPY"), "Expected an NPY file of numbers"),
    ],
)
def test_an_invalid_file(
    server: ServerProcess, tmp_path: Path, make: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path)
    (file,) = tmp_path.iterdir()
    assert main(["denoise", MODEL, str(file), "--server", server.grpc]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == [file]
