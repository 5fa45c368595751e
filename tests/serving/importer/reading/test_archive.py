"""Tests of reading the zip archives of .keras files. The tests of attacks are in test_vulnerabilities_files.py."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
from keras_gallery.serving.errors import InvalidArgument, PermissionDenied, ResourceExhausted
from keras_gallery.serving.importer.reading import archive


def make(place: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(place, "w", compression) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return place


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_extracted(compression: int, tmp_path: Path) -> None:
    large = bytes(range(256)) * 40_000  # longer than the limit for the directory of the archive
    members = {"config.json": b"{}", "assets/layers/lookup/vocabulary.txt": b"a\nb", "large": large}
    make(tmp_path / "a.keras", members, compression)
    with archive.open_checked(tmp_path / "a.keras") as opened:
        assert archive.read(opened, "large", len(large)) == large
        assert archive.members(opened, archive.ASSETS) == ["assets/layers/lookup/vocabulary.txt"]
        archive.extract(opened, members, tmp_path / "out")
    files = {str(each.relative_to(tmp_path / "out")): each for each in (tmp_path / "out").rglob("*") if each.is_file()}
    assert {name: each.read_bytes() for name, each in files.items()} == members


def test_existing_files_are_not_overwritten(tmp_path: Path) -> None:
    make(tmp_path / "a.keras", {"config.json": b"{}"})
    (tmp_path / "config.json").write_text("mine")
    with archive.open_checked(tmp_path / "a.keras") as opened, pytest.raises(InvalidArgument):
        archive.extract(opened, ["config.json"], tmp_path)
    assert (tmp_path / "config.json").read_text() == "mine"


def test_members_that_are_too_long_or_missing(tmp_path: Path) -> None:
    make(tmp_path / "a.keras", {"config.json": b"{    }"})
    with archive.open_checked(tmp_path / "a.keras") as opened:
        with pytest.raises(ResourceExhausted, match="at most 5 bytes. Received: 6"):
            archive.read(opened, "config.json", 5)
        with pytest.raises(InvalidArgument, match="has no member metadata.json"):
            archive.read(opened, "metadata.json", 5)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_methods(compression: int, tmp_path: Path) -> None:
    make(tmp_path / "a.keras", {"config.json": b"{}"}, compression)
    with (
        pytest.raises(PermissionDenied, match="another method than deflate"),
        archive.open_checked(tmp_path / "a.keras"),
    ):
        pass


def test_too_many_members(tmp_path: Path) -> None:
    make(tmp_path / "a.keras", {f"assets/{at}": b"" for at in range(archive.MAX_MEMBERS + 1)})
    with (
        pytest.raises(ResourceExhausted, match="of at most 10,000 members"),
        archive.open_checked(tmp_path / "a.keras"),
    ):
        pass


def test_a_directory_that_is_too_long(tmp_path: Path) -> None:
    """The end of the file declares the length of the directory. `zipfile` reads the whole directory at once."""
    data = bytearray(make(tmp_path / "a.keras", {"config.json": bytes(5 << 20)}).read_bytes())
    end = data.rindex(b"PK\5\6")
    data[end + 12 : end + 16] = struct.pack("<I", 5 << 20)
    (tmp_path / "a.keras").write_bytes(data)
    with (
        pytest.raises(ResourceExhausted, match="directory of at most"),
        archive.open_checked(tmp_path / "a.keras"),
    ):
        pass


def test_overlapping_members(tmp_path: Path) -> None:
    """Two entries of the directory refer to the same bytes, as in zip bombs without nesting."""
    data = make(tmp_path / "a.keras", {"a": bytes(100_000), "b": b""}).read_bytes()
    start = data.index(b"PK\1\2")
    first = data[start : data.index(b"PK\1\2", start + 1)]
    second = first[:-1] + b"b"
    directory = first + second
    end = bytearray(data[data.rindex(b"PK\5\6") :])
    end[12:16] = struct.pack("<I", len(directory))
    (tmp_path / "a.keras").write_bytes(data[:start] + directory + end)
    with pytest.raises(ResourceExhausted, match="Received: 200,000"), archive.open_checked(tmp_path / "a.keras"):
        pass


def test_a_wrong_checksum(tmp_path: Path) -> None:
    data = make(tmp_path / "a.keras", {"config.json": b"{  }"}).read_bytes()
    (tmp_path / "a.keras").write_bytes(data.replace(b"{  }", b"{ !}"))
    with (
        archive.open_checked(tmp_path / "a.keras") as opened,
        pytest.raises(InvalidArgument, match="Damaged zip archive: config.json"),
    ):
        archive.read(opened, "config.json", 100)
