"""Tests of published attacks through small files that need much memory. An import must refuse each malicious file.

Sources: the CVE records, and the advisories of keras-team/keras and of HDF Group.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import pytest
from keras_gallery.serving.errors import InvalidArgument, ResourceExhausted

from .crafted import assert_refused, change_weights, insert, layer, rewrite


def test_cve_2026_0897_huge_shape(small_keras: Path, tmp_path: Path, read: Any) -> None:
    """A dataset of a few bytes declares petabytes of fill values."""

    def change(file: h5py.File) -> None:
        group = file["layers/dense/vars"]
        del group["0"]
        group.create_dataset("0", (50_000_000, 50_000_000), "f4", chunks=(1000, 1000), compression="gzip")

    file = change_weights(small_keras, tmp_path / "a.keras", change)
    assert file.stat().st_size < 100_000
    assert_refused(read, file, "'/layers/dense/vars/0'", "10,000,000,000,000,000", error=ResourceExhausted)


def test_many_arrays(small_keras: Path, tmp_path: Path, read: Any) -> None:
    """Each array is within the limit, but the total size of the arrays is not."""

    def change(file: h5py.File) -> None:
        for at in range(20):
            file.create_dataset(f"more/{at}", (1_000_000,), "f4", chunks=(1_000_000,), compression="gzip")

    assert_refused(read, change_weights(small_keras, tmp_path / "a.keras", change), "arrays", error=ResourceExhausted)


def test_zip_bombs(small_keras: Path, tmp_path: Path, read: Any) -> None:
    """A compressed member of zeros is a thousand times as long after decompression (keras-team/keras#23010, #23101)."""
    file = rewrite(small_keras, tmp_path / "a.keras")
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("assets/zeros", bytes(40_000_000))
    assert_refused(read, file, "'assets/zeros'", "40,000,000", error=ResourceExhausted)


@pytest.mark.parametrize(
    "payload",
    [
        layer("Dense", units=10**12),
        layer("Dense", units=10**9),
        layer("Conv1D", filters=10**10, kernel_size=1),
        layer("MultiHeadAttention", num_heads=10**6, key_dim=10**6),
    ],
    ids=["dense, 10^12 units", "dense, 10^9 units", "convolution", "attention"],
)
def test_layers_larger_than_their_file(payload: dict[str, Any], small_keras: Path, tmp_path: Path, read: Any) -> None:
    """The configuration declares more weights than the file stores."""
    many = payload["class_name"] != "Dense"

    def change(config: dict[str, Any]) -> None:
        if many:
            config["config"]["layers"].append(layer("Reshape", target_shape=[1, 2]))
            config["config"]["layers"][-1]["config"]["name"] = "reshape"
        config["config"]["layers"].append(payload)

    file = rewrite(small_keras, tmp_path / "a.keras", change)
    error = InvalidArgument if payload["class_name"] == "MultiHeadAttention" else ResourceExhausted
    assert_refused(read, file, "weights" if error is ResourceExhausted else "cannot be built", error=error)


def test_numpy_arrays_of_long_strings(small_keras: Path, tmp_path: Path, read: Any) -> None:
    payload = layer("Dense", units=2)
    payload["config"]["more"] = {"class_name": "__numpy__", "config": {"value": ["a"], "dtype": "S1000000000000"}}
    assert_refused(read, rewrite(small_keras, tmp_path / "a.keras", insert(payload)), "'payload'", "S1000000000000")


def test_cyclic_calls(small_keras: Path, tmp_path: Path, read: Any) -> None:
    """Older versions of Keras hung on a layer whose input is its own output."""
    x = keras.Input((4,), name="x")
    keras.Model(x, keras.layers.Dense(4, name="payload")(x)).save(tmp_path / "good.keras")

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "payload"

    file = rewrite(tmp_path / "good.keras", tmp_path / "a.keras", change)
    assert_refused(read, file, "cannot be built", error=InvalidArgument)


def test_deeply_nested_json(small_keras: Path, tmp_path: Path, read: Any) -> None:
    deep = b'{"class_name":"Sequential","config":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001
    file = rewrite(small_keras, tmp_path / "a.keras", config_json=deep)
    assert_refused(read, file, "config.json", "levels", error=InvalidArgument)
