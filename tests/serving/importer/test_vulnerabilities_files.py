"""Tests of published attacks through links and paths in model files. An import must refuse each malicious file.

Sources: the CVE records, and the advisories of keras-team/keras and of HDF Group.
"""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras_gallery.serving.errors import InvalidArgument

from .crafted import SECRET, assert_refused, change_weights, insert, layer, rewrite


def test_cve_2025_12058_vocabulary_path(small_keras: Path, tmp_path: Path, secret: Path, read: Any) -> None:
    """A lookup layer read a vocabulary from any path or URL, and the model then contained the content of that file."""
    for at, class_name in enumerate(("StringLookup", "IntegerLookup", "TextVectorization")):
        payload = layer(class_name, vocabulary=str(secret), dtype="string")
        file = rewrite(small_keras, tmp_path / f"{at}.keras", insert(payload))
        assert_refused(read, file, f"layer 'payload' of class {class_name}", str(secret))
    words = keras.layers.StringLookup(vocabulary=str(secret)).get_vocabulary()
    assert SECRET.decode() in words  # the attack works


def test_cve_2026_1669_external_storage(small_keras: Path, tmp_path: Path, secret: Path, read: Any) -> None:
    """The data of an array in an HDF5 file can be in any other file."""

    def change(file: h5py.File) -> None:
        group = file["layers/dense/vars"]
        del group["1"]
        group.create_dataset("1", (3,), "f4", external=[(str(secret), 0, 12)])
        assert group["1"][...].tobytes() == SECRET[:12]  # the attack works

    file = change_weights(small_keras, tmp_path / "a.keras", change)
    assert_refused(read, file, "'/layers/dense/vars/1'", "another file")


def test_cve_2026_12480_virtual_dataset(small_keras: Path, tmp_path: Path, read: Any) -> None:
    """An array of an HDF5 file can consist of arrays in other HDF5 files."""
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as source:
        source["secret"] = np.arange(3, dtype="f4")
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource(other, "secret", (3,))

    def change(file: h5py.File) -> None:
        group = file["layers/dense/vars"]
        del group["1"]
        group.create_virtual_dataset("1", layout)
        assert group["1"][2] == 2  # the attack works

    file = change_weights(small_keras, tmp_path / "a.keras", change)
    assert_refused(read, file, "'/layers/dense/vars/1'", "virtual dataset")


@pytest.mark.parametrize("link_type", ["external", "soft"])
def test_links_to_other_files(link_type: str, small_h5: Path, small_keras: Path, tmp_path: Path, read: Any) -> None:
    """A group in an HDF5 file can be a link (keras-team/keras#22900, GHSA-27f4-p4xq-cxg8)."""
    link = h5py.ExternalLink(small_h5, "/model_weights") if link_type == "external" else h5py.SoftLink("/first")
    file = tmp_path / "a.h5"
    file.write_bytes(small_h5.read_bytes())
    with h5py.File(file, "r+") as opened:
        opened.move("model_weights", "first")
        opened["model_weights"] = link
        assert "last" in opened["model_weights"]  # the attack works
    assert_refused(read, file, "'/model_weights'", type(link).__name__)

    def change(weights: h5py.File) -> None:
        weights["layers/stolen"] = link

    assert_refused(read, change_weights(small_keras, tmp_path / "b.keras", change), "'/layers/stolen'", "Link")


@pytest.mark.parametrize(
    "name",
    ["../canary", "assets/../../canary", "/tmp/canary", "assets\\..\\..\\canary", "C:canary", "assets/\x00x"],
)
def test_ghsa_hqp4_2352_xf5r_members_that_leave_the_folder(
    name: str, small_keras: Path, tmp_path: Path, read: Any
) -> None:
    """Keras extracts all members of the archive, also to paths outside of the target folder."""
    file = rewrite(small_keras, tmp_path / "a.keras")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(zipfile.ZipInfo("_" * len(name)), b"was here")
    # The name is replaced in the bytes of the file, because zipfile would correct it.
    file.write_bytes(file.read_bytes().replace(b"_" * len(name), name.encode()))
    assert_refused(read, file, repr(name), "leaves the archive")


def test_symbolic_links_in_archives(small_keras: Path, tmp_path: Path, secret: Path, read: Any) -> None:
    file = rewrite(small_keras, tmp_path / "a.keras")
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(link, str(secret))
    assert_refused(read, file, "'assets/link'", "link")


def test_duplicate_members(small_keras: Path, tmp_path: Path, canary: Path, read: Any) -> None:
    """If duplicates were allowed, the importer could check one member, and Keras could load the other one."""
    file = rewrite(small_keras, tmp_path / "a.keras")
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", b"{}")
    assert_refused(read, file, "'config.json' occurs twice")


@pytest.mark.parametrize("name", ["..", "../../canary", "/canary", "a/../../canary"])
def test_cve_2026_12479_layer_names(name: str, small_keras: Path, tmp_path: Path, read: Any) -> None:
    """Keras used the names of layers as folder names."""
    payload = layer("Dense", units=2)
    payload["config"]["name"] = name
    file = rewrite(small_keras, tmp_path / "a.keras", insert(payload))
    assert_refused(read, file, repr(name), "not safe as a part of a file path")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_cve_2025_12060_and_12638_tar_archives(mode: str, tmp_path: Path, read: Any) -> None:
    """`get_file` extracted tar archives with links to other folders. The importer extracts no tar archive."""
    file = tmp_path / "model.tar"
    with tarfile.open(file, mode) as archive:  # type: ignore[call-overload]
        link = tarfile.TarInfo("out")
        link.type, link.linkname = tarfile.SYMTYPE, "../.."
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("out/canary"))
    assert_refused(read, file, "tar archive" if mode == "w" else "gzip", error=InvalidArgument)
