"""Tests of image datasets from IDX and .npz files, both intact and damaged, and from downloads by Keras."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.training.data.dataset import load
from keras_gallery.training.datasets._idx import read_idx
from keras_gallery.training.datasets._npz import read_npz
from keras_gallery.training.errors import BadData, DataUnavailable

RNG = np.random.default_rng(0)
ARRAYS = {
    "x_train": RNG.integers(0, 256, (6, 28, 28), np.uint8),
    "y_train": RNG.integers(0, 10, 6, np.uint8),
    "x_test": RNG.integers(0, 256, (2, 28, 28), np.uint8),
    "y_test": RNG.integers(0, 10, 2, np.uint8),
}
NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GALLERY_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    return tmp_path


def check(name: str = "mnist") -> None:
    dataset = load(name)
    assert dataset.name == name
    for key in ("x_train", "x_test"):
        images = getattr(dataset, key)
        assert images.dtype == np.float32
        np.testing.assert_array_equal(np.round(images[..., 0] * 255), ARRAYS[key])
    np.testing.assert_array_equal(dataset.y_train, ARRAYS["y_train"])
    np.testing.assert_array_equal(dataset.y_test, ARRAYS["y_test"])


def test_colour_images_with_labels_of_shape_n_1(folder: Path) -> None:
    """CIFAR-10 has labels of shape (n, 1)."""
    images = RNG.integers(0, 256, (3, 32, 32, 3), np.uint8)
    labels = np.array([[7], [0], [9]], np.uint8)
    np.savez(folder / "cifar10.npz", x_train=images, y_train=labels, x_test=images[:1], y_test=labels[:1])
    dataset = load("cifar10")
    assert dataset.shape == (32, 32, 3)
    assert dataset.labels[7] == "horse" and len(dataset.labels) == 10
    np.testing.assert_array_equal(np.round(dataset.x_train * 255), images)
    assert dataset.y_train.tolist() == [7, 0, 9] and dataset.y_test.tolist() == [7]


def test_plain_and_gzipped_idx(folder: Path) -> None:
    for number, (name, array) in enumerate(zip(NAMES, ARRAYS.values(), strict=True)):
        if number % 2:
            (folder / "mnist" / name).write_bytes(idx(array))
        else:
            (folder / "mnist" / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
    check()


@pytest.mark.parametrize("path", ["mnist.npz", "mnist/mnist.npz"])
def test_npz(folder: Path, path: str) -> None:
    np.savez_compressed(folder / path, **ARRAYS)
    check()


def test_error_names_the_missing_file(folder: Path) -> None:
    (folder / "mnist" / NAMES[0]).write_bytes(idx(ARRAYS["x_train"]))
    with pytest.raises(DataUnavailable, match="Missing file: .*mnist/train-labels-idx1-ubyte.gz"):
        load("mnist")


def test_images_with_two_dimensions_are_rejected(folder: Path) -> None:
    np.savez(folder / "mnist.npz", **{**ARRAYS, "x_test": ARRAYS["x_test"].reshape(2, -1)})
    with pytest.raises(BadData, match=r"Expected mnist as uint8 images .*\(2, 784\)"):
        load("mnist")


def test_missing_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLERY_DATA", "/no/such/folder")
    with pytest.raises(DataUnavailable, match="Missing file: /no/such.* GALLERY_DATA/mnist must contain mnist.npz"):
        load("mnist")


def test_download(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = ARRAYS
    monkeypatch.delenv("GALLERY_DATA", raising=False)
    monkeypatch.setattr(
        keras.datasets.fashion_mnist,
        "load_data",
        lambda: ((arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])),
    )
    check("fashion_mnist")


def test_failed_download_error_names_alternatives(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise Exception("URL fetch failure on https://x: no network\nand more")

    monkeypatch.delenv("GALLERY_DATA", raising=False)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    with pytest.raises(DataUnavailable) as caught:
        load("mnist")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("Cannot download mnist: URL fetch failure on https://x: no network and more.")
    for alternative in ("GALLERY_DATA", "train-images-idx3-ubyte.gz", "mnist.npz", "mnist_5k"):
        assert alternative in message


VALID_IDX = idx(ARRAYS["x_test"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a", b"", "Received: an empty file"),
        ("a", VALID_IDX[:9], "an incomplete header"),
        ("a", VALID_IDX[:-1], r"Received: fewer values than the shape \(2, 28, 28\) has"),
        ("a", VALID_IDX + b"x", "Received: more values"),
        ("a", b"\0\0\x0d" + VALID_IDX[3:], "Received: the header 00000d03"),
        ("a", bytes([0, 0, 8, 5]) + VALID_IDX[4:], "Received: the header 00000805"),
        ("a", VALID_IDX[:4] + struct.pack(">3I", 0, 28, 28), r"the shape \(0, 28, 28\), which does not have 1 to"),
        ("a", VALID_IDX[:4] + b"\xff" * 12, "not have 1 to 268435456 values"),
        ("a.gz", VALID_IDX, "Not a gzipped file"),
        ("a.gz", gzip.compress(VALID_IDX, mtime=0)[:-20], "end-of-stream"),
        ("a.gz", gzip.compress(VALID_IDX, mtime=0)[:-8] + bytes(8), "CRC check failed"),
        ("a.gz", gzip.compress(VALID_IDX, mtime=0)[:10] + b"\xff" * 40, "invalid block type"),
    ],
)
def test_damaged_idx(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadData, match=message):
        read_idx(tmp_path / name)


@given(content=st.binary(max_size=64) | st.binary(max_size=64).map(lambda tail: VALID_IDX[:10] + tail))
def test_random_bytes_are_rejected(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "random"
    path.write_bytes(content)
    with pytest.raises(BadData):
        read_idx(path)


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode("latin1")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def npz(path: Path, member: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", member)
    return path


def test_pickles_are_rejected(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([print], object))
    with pytest.raises(BadData, match="Received: x of object"):
        read_npz(tmp_path / "a.npz", ("x",))


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (b"", "magic"),
        (npy("nonsense\n"), "to contain the arrays x. Received: "),
        (
            npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }\n", b"abc"),
            "Received: fewer values",
        ),
        (
            npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }\n", b"abcde"),
            "Received: more values",
        ),
        (
            npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2), }\n", b"abcd"),
            "uint8, in Fortran order",
        ),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", b"abcd"), "x of float32"),
        (npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,), }\n", b"abcd"), "not have 1 to"),
    ],
)
def test_damaged_npz(tmp_path: Path, member: bytes, message: str) -> None:
    with pytest.raises(BadData, match=message):
        read_npz(npz(tmp_path / "a.npz", member), ("x",))


def test_npz_with_missing_array_and_other_files(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, y=ARRAYS["y_test"])
    (tmp_path / "a.npz").write_bytes(buffer.getvalue())
    with pytest.raises(BadData, match="to contain the arrays x. Received: .*no item named"):
        read_npz(tmp_path / "a.npz", ("x",))
    (tmp_path / "b.npz").write_bytes(buffer.getvalue()[:-10])
    with pytest.raises(BadData, match="not a zip file"):
        read_npz(tmp_path / "b.npz", ("y",))


def test_sizes_in_headers_do_not_allocate_memory(tmp_path: Path) -> None:
    """The first header announces 4 GB. The second file decompresses to 100 MB, but its header announces a few bytes.

    The third file ends after its header, which announces 47 MB.
    """
    huge = npz(tmp_path / "b.npz", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296,), }\n"))
    bomb = tmp_path / "c.gz"
    bomb.write_bytes(gzip.compress(VALID_IDX + bytes(100_000_000), 1))
    empty = tmp_path / "d"
    empty.write_bytes(VALID_IDX[:4] + struct.pack(">3I", 60_000, 28, 28))
    tracemalloc.start()
    try:
        for read in (
            lambda: read_npz(huge, ("x",)),
            lambda: read_idx(bomb),
            lambda: read_idx(empty),
        ):
            with pytest.raises(BadData):
                read()
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
