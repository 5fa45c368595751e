"""Tests of reading HDF5 files: files like those of Keras, and unexpected contents.

The tests of attacks are in test_vulnerabilities_files.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import pytest
from keras_gallery.serving.errors import InvalidArgument, PermissionDenied, ResourceExhausted
from keras_gallery.serving.importer.keras.weight_sizes import elements
from keras_gallery.serving.importer.reading import hdf5


def make(place: Path, write: Callable[[h5py.File], object]) -> Path:
    with h5py.File(place, "w") as file:
        write(file)
    return place


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i8", "u1", "u4", "?"])
def test_numbers_are_read(dtype: str, tmp_path: Path) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    make(tmp_path / "a.h5", lambda file: file.create_dataset("a/b", data=array, compression="gzip", shuffle=True))
    with hdf5.open_checked(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["a/b"][...], array)
    assert elements(tmp_path / "a.h5") == 6


def test_bfloat16_as_keras_writes_it(tmp_path: Path) -> None:
    def write(file: h5py.File) -> None:
        file.create_dataset("a", data=np.ones(3, ml_dtypes.bfloat16)).attrs["dtype"] = "bfloat16"

    with hdf5.open_checked(make(tmp_path / "a.h5", write)) as file:
        assert file["a"].shape == (3,)


def test_text_attributes(tmp_path: Path) -> None:
    def write(file: h5py.File) -> None:
        file.attrs["now"], file.attrs["then"] = "3.15", np.bytes_(b"2.0")
        file.attrs["names"] = [b"a", b"b"]
        file.attrs["none"] = h5py.Empty("f4")

    with hdf5.open_checked(make(tmp_path / "a.h5", write)) as file:
        assert hdf5.text(file, "now") == "3.15"
        assert hdf5.text(file, "then") == "2.0"
        assert hdf5.text(file, "other") == ""
        with pytest.raises(InvalidArgument, match="Expected text in the attribute names"):
            hdf5.text(file, "names")


def nested(file: h5py.File) -> None:
    file.create_group("/".join("a" * (hdf5.MAX_DEPTH + 1)))


def looped(file: h5py.File) -> None:
    file.create_group("a")["b"] = file["/"]


def twice(file: h5py.File) -> None:
    file["a"] = np.ones(3)
    file["b"] = file["a"]


def odd_attribute(file: h5py.File) -> None:
    file.attrs["a"] = np.array([(1, 2.0)], [("x", "i4"), ("y", "f4")])


@pytest.mark.parametrize(
    ("write", "error", "words"),
    [
        (nested, ResourceExhausted, "64 levels"),
        (looped, PermissionDenied, "'/a/b' again"),
        (twice, PermissionDenied, "'/b' again"),
        (odd_attribute, PermissionDenied, "'/@a' of type"),
        (lambda file: file.create_dataset("a", data=np.void(b"\x80\x04.")), PermissionDenied, "'/a' of type |V3"),
        (lambda file: file.create_dataset("a", data=["text"]), PermissionDenied, "'/a' of type object"),
        (lambda file: file.create_dataset("a", (1,), h5py.ref_dtype), PermissionDenied, "'/a' of type object"),
        (lambda file: file.create_dataset("a", (1,), h5py.vlen_dtype("i4")), PermissionDenied, "'/a' of type object"),
        (lambda file: file.create_dataset("a", (1,), "c8"), PermissionDenied, "'/a' of type complex64"),
        (lambda file: file.create_dataset("a", (9,), "f4", compression="lzf"), PermissionDenied, "filter 32000"),
        (lambda file: file.__setitem__("a", np.dtype("f4")), PermissionDenied, "'/a', a data type"),
        (lambda file: file.create_dataset("a", (10**7,), "f4"), ResourceExhausted, "Received: 40,000,000"),
        (
            lambda file: file.create_dataset("a", (1,), "f4", maxshape=(None,), chunks=(10**8,)),
            ResourceExhausted,
            "a chunk of array '/a'",
        ),
    ],
)
def test_unexpected_contents_are_refused(write: Any, error: type[Exception], words: str, tmp_path: Path) -> None:
    make(tmp_path / "a.h5", write)
    with pytest.raises(error) as caught, hdf5.open_checked(tmp_path / "a.h5"):
        pass
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_too_many_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "MAX_OBJECTS", 10)
    make(tmp_path / "a.h5", lambda file: [file.create_group(str(at)) for at in range(10)])
    with (
        pytest.raises(ResourceExhausted, match="of at most 10 objects"),
        hdf5.open_checked(tmp_path / "a.h5"),
    ):
        pass


def test_damaged_files(small_h5: Path, tmp_path: Path) -> None:
    data = bytearray(small_h5.read_bytes())
    for at in range(8, len(data), 97):
        changed = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
        (tmp_path / "a.h5").write_bytes(changed)
        try:
            with hdf5.open_checked(tmp_path / "a.h5"):
                pass
        except (InvalidArgument, PermissionDenied, ResourceExhausted) as error:
            assert "\n" not in str(error)
