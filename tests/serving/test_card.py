"""Tests of reading a version's card, which may be anybody's file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from keras_gallery.serving import card
from keras_gallery.serving.errors import FailedPrecondition, NotFound


def test_the_card_is_returned_as_it_is(tmp_path: Path) -> None:
    content = '{"formula": "x̂ = σ(z)"}'.encode()
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / card.FILE).write_bytes(content)
    assert card.read(tmp_path) == content


@pytest.mark.parametrize("folder", ["", "assets.extra"])
def test_a_version_without_a_card(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    with pytest.raises(NotFound, match="has no card"):
        card.read(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b'{"a": 1} x', b"[" * 100_000, b"\xff\xfe{\x00}\x00", b'{"\xe9": 1}'],
    ids=["empty", "list", "open", "further text", "deep list", "UTF-16", "Latin-1"],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / card.FILE).write_bytes(content)
    with pytest.raises(FailedPrecondition, match="is not a JSON object"):
        card.read(tmp_path)


def test_a_large_file_is_not_read_whole(tmp_path: Path) -> None:
    (tmp_path / "assets.extra").mkdir()
    with open(tmp_path / card.FILE, "wb") as file:
        file.truncate(1 << 40)  # no blocks on the disk
    with pytest.raises(FailedPrecondition, match="more than 4,194,304 bytes"):
        card.read(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_does_not_stop_the_server(tmp_path: Path) -> None:
    (tmp_path / "assets.extra").mkdir()
    os.mkfifo(tmp_path / card.FILE)
    with pytest.raises(FailedPrecondition, match="not a regular file"):
        card.read(tmp_path)


def test_a_link_that_leads_out_of_the_version(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"key": 1}')
    version = tmp_path / "1"
    version.mkdir()
    (version / "assets.extra").mkdir()
    (version / card.FILE).symlink_to("../../secret.json")
    with pytest.raises(NotFound):
        card.read(version)
    (version / card.FILE).unlink()
    (version / card.FILE).symlink_to("card.json")  # a circle
    with pytest.raises(NotFound):
        card.read(version)
    (version / card.FILE).unlink()
    (version / "assets.extra" / "real.json").write_text('{"key": 2}')
    (version / card.FILE).symlink_to("real.json")
    assert card.read(version) == b'{"key": 2}'
    linked = tmp_path / "linked"  # the version itself may be a link
    linked.symlink_to("1")
    assert card.read(linked) == b'{"key": 2}'
