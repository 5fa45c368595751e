"""Tests of temporary folders: what a killed process leaves behind is removed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from keras_gallery.serving import leftovers
from keras_gallery.serving.leftovers import OwnedFolder

_OWNER = """
import os, sys
from pathlib import Path
from keras_gallery.serving.leftovers import OwnedFolder
folder = OwnedFolder("test-", Path(sys.argv[1]))
print(folder.path, flush=True)
sys.stdin.read()
"""


def test_folders_of_killed_processes_are_removed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    mine = OwnedFolder("test-", tmp_path)
    (mine.path / "file").write_text("content")
    command = [sys.executable, "-c", _OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        theirs = Path(process.stdout.readline().strip())
        leftovers.remove_abandoned("test-", tmp_path)
        assert theirs.is_dir() and mine.path.is_dir()
        process.kill()
    leftovers.remove_abandoned("test-", tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([mine.path, other])
    mine.close()
    assert list(tmp_path.iterdir()) == [other]


def test_links_and_missing_folders(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (tmp_path / "test-link").symlink_to(kept)
    leftovers.remove_abandoned("test-", tmp_path)
    leftovers.remove_abandoned("test-", tmp_path / "missing")
    assert kept.is_dir() and (tmp_path / "test-link").is_symlink()


def test_a_folder_without_an_owner_is_removed(tmp_path: Path) -> None:
    folder = OwnedFolder("test-", tmp_path)
    path = folder.path
    del folder
    assert not path.exists()


def test_no_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", list)
    leftovers.remove_abandoned("any-")


def test_the_folder_for_temporary_files_was_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "deleted"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = OwnedFolder("test-")
    assert folder.path.parent == tmp_path
    folder.close()
    with pytest.raises(FileNotFoundError):
        OwnedFolder("test-", tmp_path / "deleted")
