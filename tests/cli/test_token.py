"""Tests of the token that the commands send."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from keras_gallery.cli import files
from keras_gallery.models.errors import GalleryError
from keras_gallery.serving import client


def sent(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """Returns the token that a command with these options gives to its client."""
    seen: list[object] = []
    monkeypatch.setattr(client, "Client", lambda server, *, timeout, token: seen.append(token))
    parser = argparse.ArgumentParser()
    files.add_server(parser)
    files.connect(parser.parse_args(arguments))
    return seen.pop()


def test_the_sources_of_the_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("of-the-file\n")
    monkeypatch.delenv("GALLERY_TOKEN", raising=False)
    assert sent(monkeypatch) is None
    assert sent(monkeypatch, f"--token-file={file}") == "of-the-file"
    monkeypatch.setenv("GALLERY_TOKEN", "of-the-variable")
    assert sent(monkeypatch) == "of-the-variable"
    assert sent(monkeypatch, f"--token-file={file}") == "of-the-file"
    monkeypatch.setenv("GALLERY_TOKEN", "")
    assert sent(monkeypatch) is None


def test_a_file_without_a_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match=r"Cannot read the token in .*none: No such file"):
        sent(monkeypatch, f"--token-file={tmp_path / 'none'}")
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(GalleryError, match=r"Cannot read the token in .*binary: it is not text\."):
        sent(monkeypatch, f"--token-file={tmp_path / 'binary'}")
