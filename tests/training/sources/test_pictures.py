"""Folders of pictures: which files are read, what becomes of them, and how they are split."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.preparation import pillow_images
from keras_gallery.preparation.description import Pictures
from keras_gallery.preparation.images import prepare_images
from keras_gallery.training.errors import BadData
from keras_gallery.training.recipe import load_recipe
from keras_gallery.training.sources import pictures, pictures_folder
from keras_gallery.training.sources.pictures_batches import PictureStream
from keras_gallery.training.sources.pictures_choice import choose
from keras_gallery.training.sources.pictures_files import BadPicture, Shape, read_file
from keras_gallery.training.sources.pictures_stream import Decoder
from keras_gallery.training.sources.source import Source
from PIL import Image

SIZE = (12, 16)  # height and width


def picture(number: int, size: tuple[int, int] = SIZE, mode: str = "RGB") -> Any:
    pixels = np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def folder(root: Path, classes: dict[str, int], mode: str = "RGB") -> Path:
    """Writes PNG files in a subfolder for each class."""
    number = 0
    for name, count in classes.items():
        (root / name).mkdir(parents=True)
        for _ in range(count):
            picture(number, mode=mode).save(root / name / f"{number:03}.png")
            number += 1
    return root


def read(root: Path, model: str = "dense_autoencoder", **options: Any) -> Any:
    return pictures.read_pictures(Source(root, **options), model, load_recipe(model), seed=0)


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Returns black images in place of decoded pictures, because building TensorFlow's graph takes a second."""
    monkeypatch.setattr(
        Decoder, "load", lambda self, indices: (np.zeros((len(indices), *SIZE, 3), np.float32), indices)
    )


def test_a_listing_counts_what_it_leaves_out(tmp_path: Path) -> None:
    root = folder(tmp_path / "photos", {"a": 2, "a/b": 1, ".thumbs": 1})
    (root / "notes.txt").write_text("no picture")
    (root / ".hidden.png").write_bytes(b"")
    (root / "a" / "link.png").symlink_to("000.png")
    (root / "away").symlink_to(tmp_path)
    os.mkfifo(root / "pipe.png")
    listing = pictures_folder.list_pictures(root)
    assert listing.paths == [b"a/000.png", b"a/001.png", b"a/b/002.png"]
    assert dict(listing.ignored) == {"hidden": 2, "symbolic links": 2, "in other file formats": 2}


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadData, match=r"photos has no pictures \(PNG, JPEG, BMP, TIFF, WebP\)\. Ignored: 1 in other"):
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos" / "a.txt").write_text("")
        pictures_folder.list_pictures(tmp_path / "photos")

    def denied(path: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(BadData, match=r"Cannot read the folder .*photos: Permission denied\."):
        pictures_folder.list_pictures(tmp_path / "photos")


def test_names_that_are_not_text_are_shown_in_one_line() -> None:
    assert pictures_folder.shown(b"a\xff\nb\x1b.png") == "a\\xff\\nb\\x1b.png"


@pytest.mark.parametrize(("fit", "channels"), [("crop", 3), ("pad", 1)])
def test_every_kind_of_file_becomes_the_image_of_the_preparation(tmp_path: Path, fit: str, channels: int) -> None:
    """A batch of pictures of one shape takes another way than single pictures: the images must be the same."""
    rgb, grey = picture(1, (30, 44)), picture(2, (30, 44), "L")
    turned = Image.Exif()
    turned[0x0112] = 6
    rgb.save(tmp_path / "a.png")
    rgb.save(tmp_path / "b.jpg")
    rgb.save(tmp_path / "c.jpg", exif=turned)
    rgb.save(tmp_path / "d.webp", lossless=True)
    rgb.save(tmp_path / "e.bmp")
    grey.save(tmp_path / "f.png")
    rgb.convert("P").save(tmp_path / "g.png", transparency=3)
    picture(3, (9, 70)).save(tmp_path / "h.jpg", progressive=True)
    paths = [os.fsencode(path) for path in sorted(tmp_path.iterdir())]
    images = Pictures(16, 20, channels, fit)
    wanted = prepare_images(np.array([Path(os.fsdecode(path)).read_bytes() for path in paths], object), images)
    order = np.array([7, 0, 1, 2, 3, 4, 5, 6])
    found, indices = Decoder(paths, images, Shape(30, 44, 3)).load(order)
    assert indices.tolist() == order.tolist()
    np.testing.assert_allclose(found, np.asarray(wanted)[order], atol=1e-6)


def test_pillow_converts_what_tensorflow_cannot_decode(tmp_path: Path) -> None:
    sixteen = Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100)
    sixteen.save(tmp_path / "a.tif")
    picture(1, (20, 30)).save(tmp_path / "b.tiff", compression="tiff_lzw")
    picture(1, (20, 30), "CMYK").save(tmp_path / "c.tif")
    turned = Image.Exif()
    turned[0x0112] = 3
    picture(1, (20, 30)).save(tmp_path / "d.tif", exif=turned)
    paths = [os.fsencode(path) for path in sorted(tmp_path.iterdir())]
    decoder = Decoder(paths, Pictures(20, 30, 3))
    found, _ = decoder.load(np.arange(4))
    assert not decoder.broken
    np.testing.assert_allclose(found[0][..., 0], np.asarray(sixteen) / 65535, atol=1 / 255)
    np.testing.assert_allclose(found[1], np.asarray(picture(1, (20, 30))) / 255, atol=1e-6)
    np.testing.assert_allclose(found[3], found[1][::-1, ::-1], atol=1e-6)


def test_broken_pictures_are_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pillow_images, "MAX_PIXELS", 100_000)
    good = [tmp_path / f"{name}.png" for name in "adgz"]
    for path in good:
        picture(1).save(path)
    (tmp_path / "b.png").write_bytes(b"")
    (tmp_path / "c.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    picture(1, (64, 64)).save(tmp_path / "e.jpg")
    (tmp_path / "e.jpg").write_bytes((tmp_path / "e.jpg").read_bytes()[:900])
    Image.new("L", (1000, 1000)).save(tmp_path / "f.png")
    picture(1, (64, 64)).save(tmp_path / "h.png")
    (tmp_path / "h.png").write_bytes((tmp_path / "h.png").read_bytes()[:-3000])
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "i.tif")
    (tmp_path / "j.png").write_bytes(b"%!PS-Adobe-3.0 EPSF\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    paths = [os.fsencode(path) for path in sorted(tmp_path.iterdir())] + [os.fsencode(tmp_path / "gone.png")]
    decoder = Decoder(paths, Pictures(8, 8, 3))
    _, kept = decoder.load(np.arange(len(paths)))
    assert [Path(os.fsdecode(paths[index])).name for index in kept] == ["a.png", "d.png", "g.png", "z.png"]
    reasons = {Path(name).name: reason for name, reason in decoder.broken_names().items()}
    assert reasons.pop("e.jpg") and reasons.pop("h.png")  # in the words of Pillow
    assert reasons == {
        "b.png": "the file is empty",
        "c.jpg": "a damaged JPEG file",
        "f.png": "1,000 × 1,000 pixels are more than 100,000",
        "i.tif": "its values are floating-point numbers; save it with 8 or 16 bits",
        "j.png": "not a picture, or damaged",  # EPS would start Ghostscript
        "gone.png": "no such file or directory",
    }


def test_a_file_that_became_a_pipe_does_not_stop_the_training(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(BadPicture, match="not a regular file"):
        read_file(os.fsencode(tmp_path / "a.png"))


@pytest.mark.parametrize(
    ("model", "sizes", "mode", "wanted"),
    [
        ("dense_autoencoder", [(28, 28)], "L", (28, 28, 1)),  # one size, which is kept
        ("dense_autoencoder", [(480, 640)], "RGB", (48, 64, 3)),  # one size, which is too large
        ("dense_autoencoder", [(40, 50), (90, 45)], "RGB", (32, 32, 3)),  # the largest side that all pictures have
        ("convnet", [(16, 16)], "L", (24, 24, 1)),  # the model needs 18 pixels
        ("colorization_autoencoder", [(33, 47)], "RGB", (33, 47, 3)),
    ],
)
def test_the_size_is_chosen_from_the_files(
    tmp_path: Path, model: str, sizes: list[tuple[int, int]], mode: str, wanted: tuple[int, int, int]
) -> None:
    paths = []
    for number, size in enumerate(sizes):
        picture(number, size, mode).save(tmp_path / f"{number}.png")
        paths.append(os.fsencode(tmp_path / f"{number}.png"))
    chosen = choose(Source(tmp_path), model, load_recipe(model), paths, 0)
    assert (chosen.pictures.height, chosen.pictures.width, chosen.pictures.channels) == wanted
    assert ("are cut to their middle part (--fit crop)" in chosen.note) == (len(sizes) > 1)


def test_a_size_that_a_model_does_not_take_is_refused_with_the_least_size(tmp_path: Path) -> None:
    picture(1, mode="L").save(tmp_path / "a.png")
    paths = [os.fsencode(tmp_path / "a.png")]
    with pytest.raises(BadData, match=r"convnet does not take images of 16 × 16 × 1\. .*Try --size 18x18 or larger\."):
        choose(Source(tmp_path, size=(16, 16)), "convnet", load_recipe("convnet"), paths, 0)
    name = "colorization_autoencoder"
    with pytest.raises(BadData, match=r"colorization_autoencoder learns from colour pictures\. Received: grey"):
        choose(Source(tmp_path), name, load_recipe(name), paths, 0)


def test_classes_are_split_evenly(tmp_path: Path, undecoded: None) -> None:
    root = folder(tmp_path / "animals", {"cat": 20, "dog/large": 10, "dog/small": 10})
    picture(99).save(root / "outside.png")
    dataset = read(root, "mlp_classifier")
    assert dataset.labels == ("cat", "dog")
    assert (len(dataset.x_train), len(dataset.x_test), len(dataset.validation)) == (32, 8, 3)
    assert np.bincount(dataset.y_test).tolist() == [4, 4]
    assert dataset.notes[1] == "Ignored in animals: 1 outside of the class folders"
    assert dataset.preparation == {
        **{"kind": "pictures", "height": 12, "width": 16, "channels": 3, "fit": "crop", "pixels": "0..1"},
    }
    assert dataset.details == {
        **{"training": 29, "validation": 3, "test": 8},
        **{"ignored": {"outside of the class folders": 1}, "broken": {}},
    }


def test_a_folder_of_pictures_stays_in_one_part(tmp_path: Path, undecoded: None) -> None:
    root = folder(tmp_path / "days", {f"day {day}": 5 for day in range(6)})
    dataset = read(root, group="folder")
    held_out = dataset.y_train[dataset.validation]
    rest = np.delete(dataset.y_train, dataset.validation)
    assert not set(dataset.y_test) & set(dataset.y_train) and not set(held_out) & set(rest)
    with pytest.raises(BadData, match=r"each class needs two or more subfolders\. The class day 0 has one\."):
        read(root, "mlp_classifier", group="folder")


def test_the_test_folder_is_used_as_it_is(tmp_path: Path, undecoded: None) -> None:
    root = folder(tmp_path / "train", {"a": 6, "b": 6})
    test = folder(tmp_path / "test", {"b": 3})
    dataset = read(root, "mlp_classifier", test=test)
    assert len(dataset.x_train) == 12 and dataset.y_test.tolist() == [1, 1, 1]
    folder(test, {"c": 1})
    with pytest.raises(BadData, match="The test folder has the class c, which no training picture"):
        read(root, "mlp_classifier", test=test)
    with pytest.raises(BadData, match="The test folder a and the folder train share pictures"):
        read(root, test=root / "a")


@pytest.mark.parametrize(
    ("classes", "options", "message"),
    [
        ({"a": 5}, {}, r"mlp_classifier needs a subfolder .* Received: one subfolder, a\."),
        ({"": 5}, {}, r"mlp_classifier needs a subfolder .* Received: no subfolder with pictures\."),
        ({"a": 1, "b": 1}, {}, r"photos has 2 examples\. At least 3 are needed\."),
        ({"a": 3, "b": 3}, {"split": "time"}, "Pictures have no time"),
        ({"a": 3, "b": 3}, {"group": "camera"}, "Pictures are grouped by their folder: --group folder"),
        ({"a": 3, "b": 3}, {"fit": "stretch"}, "Expected fit to be crop or pad. Received: 'stretch'"),
        ({"a": 3, "b": 3}, {"size": (0, 5)}, r"Expected size as \(height, width\), each from 1 to 4096"),
    ],
)
def test_wrong_folders_and_options_are_refused(
    tmp_path: Path, classes: dict[str, int], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadData, match=message) as raised:
        read(folder(tmp_path / "photos", classes), "mlp_classifier", **options)
    assert "\n" not in str(raised.value)


def stream(root: Path, count: int, strict: bool = False) -> PictureStream:
    paths = [os.fsencode(root / "a" / f"{number:03}.png") for number in range(count)]
    decoder = Decoder(paths, Pictures(*SIZE, 3), Shape(*SIZE, 3))
    return PictureStream(decoder, np.arange(count), np.arange(count), strict=strict, facts={})


def test_the_order_depends_on_the_seed_and_the_epoch_and_broken_pictures_are_replaced(tmp_path: Path) -> None:
    root = folder(tmp_path, {"a": 10})
    batches = stream(root, 10).batches(4, 7, lambda x, y, rng: (x, y + 0 * rng.integers(9)))
    data = batches.dataset()

    def epoch(number: int) -> list[list[int]]:
        batches.begin_epoch(number)
        return [y.numpy().tolist() for _, y in data]

    first, second = epoch(0), epoch(1)
    assert [len(each) for each in first] == [4, 4, 2] == [len(each) for each in second]
    assert sorted(sum(first, [])) == list(range(10)) and first != second
    assert epoch(0) == first  # as in a training that is resumed
    (root / "a" / "003.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    third = sum(epoch(0), [])
    assert len(third) == 10 and set(third) == set(range(10)) - {3}
    assert batches.failure is None and list(batches.stream.decoder.broken) == [3]
    batches.stream.strict = True
    assert str(batches.failure) == "Broken pictures: 003.png (a damaged PNG file). Without --strict, they are skipped."


def test_a_large_folder_is_decoded_while_the_model_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from keras_gallery.training.tasks.reconstruction import Reconstruction

    import keras_gallery as kg

    monkeypatch.setattr(Reconstruction, "draw", lambda *_: None)
    monkeypatch.setattr("keras_gallery.training.fitting.compile_options", lambda xla: {})  # compiling takes seconds
    monkeypatch.setattr(pictures, "MOST_ARRAY_BYTES", 0)
    monkeypatch.setattr(pictures, "SAMPLE_BYTES", 5 * 4 * 12 * 16 * 3)
    root = folder(tmp_path / "tiles", {"a": 20, "b": 20})
    for path in sorted(root.rglob("*.png"))[::5]:
        path.write_bytes(path.read_bytes()[:-40])
    run = kg.train("linear_autoencoder", data=root, epochs=1, batch_size=8, runs=tmp_path / "runs", code_dim=2)
    examples = run.config["examples"]
    broken = examples.pop("broken")
    assert (examples["training"], examples["validation"], examples["test"]) == (29, 3, 8)
    assert 0 < examples["training_sample"] <= 5 and 0 < examples["test_sample"] <= 5
    assert "broken pictures: a/000.png (image file is truncated)" in caplog.text and 5 < len(broken) <= 8
