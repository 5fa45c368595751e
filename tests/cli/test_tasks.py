"""Tests of `gallery classify`, `segment` and `detect` with a running server: printed lines and written images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.cli.drawing import ORANGE
from keras_gallery.cli.main import main
from keras_gallery.serving.client import Client
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.quiet import quiet_import
from PIL import Image

LABELS = ["ant", "bee", "žába"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with quiet_import():
        from keras_gallery.serving.export.writing import export

        from ..serving import task_models
    root = tmp_path_factory.mktemp("saved_models")
    models = {
        "classifier": (task_models.classifier(), LABELS),
        "vectors": (task_models.classifier((4,), embedding=False), None),
        "segmenter": (task_models.segmenter(), None),
        "detector": (task_models.quadrant_detector(), ["light"]),
    }
    bases = {name: export(model, name, root, labels=labels).parent for name, (model, labels) in models.items()}
    with ServerProcess("auto", bases, log=root / "log", port=free_port(), rest_port=free_port()) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an image whose upper left quarter is bright, an image of noise, and an array of three images."""
    bright = np.zeros((8, 8), np.uint8)
    bright[:4, :4] = 200
    Image.fromarray(bright).save(tmp_path / "a.png")
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(tmp_path / "b.png")
    np.save(tmp_path / "c.npy", rng.random((3, 8, 8), np.float32))
    return tmp_path


def lines(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [line.split("\t") for line in capsys.readouterr().out.splitlines()]


def colours(file: Path) -> Any:
    with Image.open(file) as picture:
        return np.asarray(picture)


def test_classify(server: ServerProcess, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(folder.iterdir())
    with Client(server.grpc) as client:
        files = client.classify("classifier", [(folder / name).read_bytes() for name in ("a.png", "b.png")])
        rows = client.classify("classifier", np.load(folder / "c.npy")[..., None])
    names = [folder / "a.png", folder / "b.png", *(f"{folder / 'c.npy'}[{row}]" for row in range(3))]
    labels, scores = files.labels + rows.labels, [*files.scores, *rows.scores]
    for target in (server.grpc, server.rest):
        assert main(["classify", "classifier", str(folder), "--server", target]) == 0
        printed = lines(capsys)
        assert [line[:2] for line in printed] == [[str(name), label] for name, label in zip(names, labels, strict=True)]
        np.testing.assert_allclose([float(line[2]) for line in printed], scores, atol=2e-4)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("shape", [(3, 4), (4,)])
def test_classify_vectors(
    server: ServerProcess, tmp_path: Path, shape: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.ones(shape))
    assert main(["classify", "vectors", str(tmp_path / "x.npy"), "--server", server.grpc]) == 0
    assert len(lines(capsys)) == np.prod(shape) // 4


def test_classify_and_embed_into_one_file(server: ServerProcess, folder: Path) -> None:
    pictures = np.load(folder / "c.npy")[..., None]
    with Client(server.grpc) as client:
        labels, vectors = client.classify("classifier", pictures), client.embed("classifier", pictures)
    for task in ("classify", "embed"):
        output = ["--output", str(folder / f"{task}.npz"), "--server", server.grpc]
        assert main([task, "classifier", str(folder / "c.npy"), *output]) == 0
    with np.load(folder / "classify.npz") as found:
        assert found.files == ["file", "row", "label", "score", "probabilities"]
        assert found["label"].tolist() == labels.labels
        np.testing.assert_allclose(found["probabilities"], labels.probabilities, atol=1e-4)
    with np.load(folder / "embed.npz") as found:
        np.testing.assert_allclose(found["embedding"], vectors, atol=1e-4)


def test_segment(server: ServerProcess, folder: Path) -> None:
    assert main(["segment", "segmenter", str(folder), "--server", server.grpc]) == 0
    out = folder.with_name(folder.name + "-mask")
    assert sorted(file.name for file in out.iterdir()) == ["a.mask.png", "b.mask.png", "c.mask.npy"]
    picture = colours(out / "a.mask.png")
    assert picture.shape == (8, 8, 3) and not picture[4:].any() and not picture[:, 4:].any()
    assert picture[:4, :4].max(-1).min() == 255, "a bright colour on black"
    np.testing.assert_array_equal(np.load(out / "c.mask.npy"), np.load(folder / "c.npy") < 0.5)
    one = str(folder / "one.npy")
    assert main(["segment", "segmenter", str(folder / "a.png"), "--output", one, "--server", server.rest]) == 0
    assert np.load(one).tolist() == [[0] * 4 + [1] * 4] * 4 + [[1] * 8] * 4


def test_detect(server: ServerProcess, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", "detector", str(folder / "a.png"), "--server", server.grpc]) == 0
    target = folder / "a.boxes.png"
    edges = "top 0.0, left 0.0, bottom 4.0, right 4.0"
    assert lines(capsys) == [[f"{folder / 'a.png'} -> {target}"], ["    light", f"{200 / 255:.4f}", edges]]
    orange = (colours(target) == ORANGE).all(-1)  # the written image is 32 times as large
    assert orange.shape == (256, 256) and orange[0, :128].all() and orange[:128, 0].all() and orange[128, :128].all()
    assert not orange[130:].any() and not orange[:, 130:].any()
    assert (colours(target)[40:120, 40:120] == 200).all(), "the image is unchanged inside the box"


def test_detect_in_the_images_of_a_folder(server: ServerProcess, folder: Path) -> None:
    Image.new("L", (8, 8)).save(folder / "d.jpg")
    assert main(["detect", "detector", str(folder), "--output", str(folder / "out"), "--server", server.rest]) == 0
    names = ["a.boxes.png", "b.boxes.png", "d.boxes.png"]
    assert sorted(file.name for file in (folder / "out").iterdir()) == names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["classify", "segmenter", "a.png"], "segmenter has no signature classify. It has: "),
        (
            ["segment", "classifier", "a.png"],
            "classifier has no signature segment. It has: classify (pictures, or arrays of shape",
        ),
        (
            ["detect", "detector", "c.npy"],
            "Expected a .png, .jpg, .jpeg, .bmp, .gif, .tif, .tiff, .webp file or a folder. Received: c.npy",
        ),
        (["detect", "detector", "a.png", "--output", "a.gif"], "Expected an output file that ends in .npy or .png"),
        (["segment", "segmenter", "a.png", "--output", "a.gif"], "Expected an output file that ends in .npy or .png"),
        (["classify", "vectors", "c.npy"], "Expected an array of shape ('n', 4) in c.npy. Received: (3, 8, 8)"),
        (["classify", "vectors", "a.png"], "vectors takes arrays of shape (n, 4). Received: the picture a.png."),
        (["classify", "classifier", "nowhere.png"], "No such file: nowhere.png"),
    ],
)
def test_errors(
    server: ServerProcess,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    assert main([*arguments, "--server", server.grpc]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1, error
    assert sorted(folder.iterdir()) == before
