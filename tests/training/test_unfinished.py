"""Tests of the folders of unfinished trainings. They need no Keras."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest
from keras_gallery.training.best_weights import BestWeights
from keras_gallery.training.checkpoints import Checkpoints
from keras_gallery.training.errors import BadResume
from keras_gallery.training.unfinished import Unfinished, to_resume, unfinished


def content(text: str) -> Callable[[Any], None]:
    return lambda file: file.write(text.encode())


def full(file: Any) -> None:
    file.write(b"half")
    raise OSError(28, "No space left on device")


def interrupted(home: Path, epochs: int, time: int) -> Path:
    """Writes the folder of a training that is not running."""
    training = Unfinished(home, {"epochs": epochs, "hidden": (1, 2)})
    training.write(content("state"))
    training.release()
    assert training.folder is not None and training.checkpoint is not None
    os.utime(training.checkpoint, (time, time))
    return training.folder


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    training = Unfinished(tmp_path / "gru", {"epochs": 2})
    with pytest.raises(OSError, match="No space"):
        training.write(full)
    assert not list((tmp_path / "gru").iterdir())
    training.write(content("first"))
    with pytest.raises(OSError, match="No space"):
        training.write(full)
    assert training.folder is not None
    assert sorted(path.name for path in training.folder.iterdir()) == ["checkpoint.npz", "settings.json"]
    assert (training.folder / "checkpoint.npz").read_text() == "first"
    training.write(content("second"))
    assert (training.folder / "checkpoint.npz").read_text() == "second"
    training.delete()
    assert not list((tmp_path / "gru").iterdir())


def test_running_trainings_are_not_resumed(tmp_path: Path) -> None:
    training = Unfinished(tmp_path, {"epochs": 2})
    training.write(content("state"))
    assert not list(unfinished(tmp_path))
    with pytest.raises(BadResume, match="There is no unfinished training of"):
        to_resume(tmp_path, lambda each: None)
    training.release()
    (found,) = unfinished(tmp_path)
    assert found.folder == training.folder and found.settings == {"epochs": 2}
    assert found.lock() and not list(unfinished(tmp_path))
    found.release()


def test_the_newest_training_that_fits_is_resumed(tmp_path: Path) -> None:
    old, new = interrupted(tmp_path, 5, 1_000), interrupted(tmp_path, 6, 2_000)
    (tmp_path / ".unfinished-damaged").mkdir()

    def fits(epochs: int) -> Callable[[Unfinished], str | None]:
        return lambda each: None if each.settings["epochs"] == epochs else f"{each.settings['epochs']} epochs"

    assert to_resume(tmp_path, lambda each: None).folder == new
    assert to_resume(tmp_path, fits(5)).folder == old
    with pytest.raises(BadResume, match=f"Cannot resume the training in {new}: 6 epochs"):
        to_resume(tmp_path, fits(7))


def test_a_finished_training_deletes_those_with_the_same_settings_and_old_ones(tmp_path: Path) -> None:
    folders = {epochs: interrupted(tmp_path, epochs, 1_000 * epochs) for epochs in (1, 2, 3, 4, 5)}
    running = Unfinished(tmp_path, {"epochs": 9})
    running.write(content("state"))
    finished = Unfinished(tmp_path, {"epochs": 5, "hidden": (1, 2)})
    finished.tidy()
    assert {epochs for epochs, folder in folders.items() if folder.exists()} == {2, 3, 4}
    assert running.folder is not None and running.folder.exists()
    running.release()


def test_folders_of_killed_processes_without_a_checkpoint_are_deleted(tmp_path: Path) -> None:
    """The killed process wrote a part of its first checkpoint, or a part of a run."""
    folders = {name: tmp_path / f".unfinished-{name}" for name in ("empty", "settings", "run", "running")}
    for folder in folders.values():
        folder.mkdir()
    (folders["settings"] / "settings.json").write_text("{}")
    (folders["settings"] / ".checkpoint.npz.draft").write_text("half")
    (folders["run"] / "run").mkdir()
    (tmp_path / ".unfinished-link").symlink_to(tmp_path / "mine")
    (tmp_path / "mine").mkdir()
    running = Unfinished(tmp_path, {}, folders["running"])
    assert running.lock()
    kept = interrupted(tmp_path, 1, 1)
    new = Unfinished(tmp_path, {})
    new.create()
    assert new.folder is not None
    assert set(tmp_path.iterdir()) == {
        kept,
        folders["running"],
        new.folder,
        tmp_path / "mine",
        tmp_path / ".unfinished-link",
    }
    assert not new.lock(), "it is locked"
    running.release()
    new.release()


def test_a_folder_that_another_process_has_deleted_is_not_locked(tmp_path: Path) -> None:
    training = Unfinished(tmp_path, {})
    training.create()
    assert training.folder is not None
    training.release()
    lock = os.open

    def replaced(folder: Path, flags: int) -> int:
        opened = lock(folder, flags)
        folder.rename(tmp_path / "old")
        folder.mkdir()
        return opened

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", replaced)
        assert not training.lock()
    assert training.lock()
    training.release()


def test_damaged_checkpoint(tmp_path: Path) -> None:
    folder = interrupted(tmp_path, 1, 1)
    for content in (b"", b"damaged", b"PK\3\4 damaged"):
        (folder / "checkpoint.npz").write_bytes(content)
        with pytest.raises(BadResume, match=r"Cannot read the checkpoint .*checkpoint\.npz: "):
            Checkpoints(Unfinished(tmp_path, {}, folder), BestWeights(), 0).restore(keras.Model())
