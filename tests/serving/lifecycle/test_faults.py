"""Tests of the manager with base paths, files and loads that fail, hang or change."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving import version_files
from keras_gallery.serving.config.model_config import ModelConfig
from keras_gallery.serving.errors import (
    Aborted,
    Cancelled,
    DeadlineExceeded,
    FailedPrecondition,
    NotFound,
    ServingError,
)
from keras_gallery.serving.lifecycle import manager as manager_module
from keras_gallery.serving.lifecycle import model_versions, versions
from keras_gallery.serving.lifecycle.manager import Manager
from keras_gallery.serving.lifecycle.versions import Quarantined, State
from keras_gallery.serving.version_files import check_files, files_of
from keras_gallery.serving.wire.predict import ModelSpec

from ...waiting import until
from .fake_loader import SECONDS, Loader, Run, add, served, states

# === Bad base paths ===


def bad_path(case: str, tmp_path: Path) -> Path:
    path = tmp_path / "bad"
    if case == "NUL":
        return Path(f"{path}\0")
    if case == "/proc":
        return Path("/proc")
    if case == "pipe":
        os.mkfifo(path)
    elif case == "loop":
        path.symlink_to(path)
    elif case == "long":
        return Path("/" + "x" * 100_000)
    elif case == "many":
        for number in range(1, 40):
            add(path, number, file="broken")
    return path


@pytest.mark.parametrize("case", ["NUL", "/proc", "pipe", "loop", "long", "many", "missing"])
def test_a_bad_base_path_is_a_failed_model(run: Run, tmp_path: Path, load: Loader, case: str) -> None:
    """Reloads continue to work, and the manager does not try forever."""
    if not Path("/proc/self").exists() and case == "/proc":
        pytest.skip("needs /proc")
    add(tmp_path / "m", 1)
    good = ModelConfig("m", tmp_path / "m")
    path = bad_path(case, tmp_path)
    load.broken = {"bad"}
    manager = run(good)
    with pytest.raises(ServingError, match="did not become available"):
        manager.reload([good, ModelConfig("bad", path)])
    for _ in range(3):
        manager.reload([good])
    assert served(load) == 1
    with pytest.raises(ServingError, match="did not become available"):
        manager.reload([good, ModelConfig("bad", path)])


def test_a_bad_base_path_at_the_start(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1)
    manager = run(ModelConfig("bad", Path("/a\0b")), ModelConfig("m", tmp_path))
    assert served(load) == 1
    assert [model.name for model in manager.models()] == ["bad", "m"]


# === Things that hang ===


def available(manager: Manager, name: str) -> list[int]:
    """Returns the available versions of a model."""
    (model,) = (each for each in manager.models() if each.name == name)
    return [version.number for version in model.versions if version.state is State.AVAILABLE]


class HangingConfig:
    """Replaces `ModelConfig.versions_on_disk`: folders named `hanging` can't be read until `gate` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gate = threading.Event()
        read = ModelConfig.versions_on_disk

        def versions_on_disk(config: ModelConfig) -> dict[int, Path]:
            if config.base_path.name == "hanging":
                self.gate.wait(SECONDS)
            return read(config)

        monkeypatch.setattr(ModelConfig, "versions_on_disk", versions_on_disk)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(manager_module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(manager_module, "LOAD_SECONDS", 0.01)
    config = HangingConfig(monkeypatch)
    yield config
    config.gate.set()


def test_a_path_that_hangs_does_not_stop_other_models(tmp_path: Path, load: Loader, hanging: HangingConfig) -> None:
    add(tmp_path / "m", 1)
    configs = [ModelConfig("a", tmp_path / "hanging"), ModelConfig("m", tmp_path / "m")]
    manager = Manager(configs, load.host, poll_seconds=0.02)
    manager.start()
    until(lambda: available(manager, "m"))
    assert not manager.wait_until_settled(0.01)
    # The same model with another path does not wait for the path that hangs.
    add(tmp_path / "a", 2)
    manager.reload([ModelConfig("a", tmp_path / "a"), configs[1]])
    until(lambda: available(manager, "a"))
    begun = time.monotonic()
    hanging_again = [ModelConfig("b", tmp_path / "hanging"), configs[1]]
    with pytest.raises(DeadlineExceeded, match="^The reload was not complete within 0.05 s. The server continues to"):
        manager.reload(hanging_again, seconds=0.05)
    manager.stop(0.05)
    assert time.monotonic() - begun < SECONDS / 2


def test_a_load_that_hangs_does_not_stop_other_models(run: Run, tmp_path: Path, load: Loader, hanging: Any) -> None:
    """The limit on loads in parallel does not count it. The same version in another folder is loaded."""
    for name in ("a", "b", "m"):
        add(tmp_path / name, 1)
    load.hanging = {"a", "b"}
    configs = [ModelConfig(name, tmp_path / name) for name in ("a", "b", "m")]
    manager = Manager(configs, load.host, poll_seconds=0.02, load_threads=1)
    manager.start()
    until(lambda: available(manager, "m"))
    add(tmp_path / "c", 1)
    load.hanging = set()
    manager.reload([ModelConfig("a", tmp_path / "c"), configs[2]])
    until(lambda: available(manager, "a"))
    load.continues.set()
    manager.stop(SECONDS)


def test_a_reload_ends_with_its_caller_and_does_not_stop_another(
    run: Run, tmp_path: Path, load: Loader, hanging: Any
) -> None:
    add(tmp_path / "m", 1)
    good = ModelConfig("m", tmp_path / "m")
    manager = run(good)
    cancelled = threading.Event()
    errors: list[Exception] = []

    def reload(*arguments: Any) -> None:
        try:
            manager.reload([ModelConfig("slow", tmp_path / "hanging"), good], *arguments)
        except ServingError as error:
            errors.append(error)

    for end in (cancelled.set, lambda: manager.reload([good])):
        thread = threading.Thread(target=reload, args=(cancelled.is_set,))
        thread.start()
        until(lambda: [each.name for each in manager.models()] == ["m", "slow"])
        end()
        thread.join(SECONDS)
        cancelled.clear()
        manager.reload([good])
    assert [type(error) for error in errors] == [Cancelled, Aborted]
    assert str(errors[1]) == "Another reload has replaced the configuration of slow."


# === Files ===


@pytest.mark.parametrize("name", ["variables/variables.index", "assets.extra/tf_serving_warmup_requests", "model"])
def test_a_pipe_instead_of_a_file(run: Run, tmp_path: Path, load: Loader, name: str) -> None:
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path))
    folder = tmp_path / "new"
    (folder / name).parent.mkdir(parents=True)
    os.mkfifo(folder / name)
    folder.rename(tmp_path / "2")
    until(lambda: states(manager) == {2: State.END, 1: State.AVAILABLE})
    (status,) = manager.status("m", 2)
    assert status.error_message == f"{tmp_path / '2' / name} is not a regular file."
    assert load.tried == [1]


def test_links(tmp_path: Path) -> None:
    """Links to files and folders are followed. A link to a folder that contains it does not lead to endless work."""
    real = tmp_path / "real"
    real.mkdir()
    (real / "variables.index").write_text("1")
    folder = tmp_path / "1"
    folder.mkdir()
    (folder / "variables").symlink_to(real)
    (folder / "assets").symlink_to(folder)
    (folder / "nowhere").symlink_to(tmp_path / "missing")
    check_files(folder)
    before = files_of(folder)
    assert ("variables/variables.index", 1, (real / "variables.index").stat().st_mtime_ns) in before
    assert len(before) == 1  # each folder is read once
    (real / "variables.index").write_text("12")
    assert files_of(folder) != before
    os.mkfifo(real / "pipe")
    with pytest.raises(FailedPrecondition, match="pipe is not a regular file"):
        check_files(folder)


def test_a_pipe_among_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1001):
        (tmp_path / f"{number}").touch()
    check_files(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FailedPrecondition, match="pipe is not a regular file"):
        check_files(tmp_path)
    monkeypatch.setattr(version_files, "MAX_ENTRIES", 1000)
    with pytest.raises(FailedPrecondition, match=r" has more than 1,000 files and folders\.$"):
        check_files(tmp_path)
    assert files_of(tmp_path) == ()


# === Reports of the host ===


def id_of(manager: Manager) -> int:
    return manager._models["m"].published().versions[1]


def test_a_lost_version_is_loaded_again(run: Run, tmp_path: Path, load: Loader) -> None:
    """Status, readiness and requests agree at any time, because all of them read the state of the version."""
    base = tmp_path / "m"
    add(base, 1)
    manager = run(ModelConfig("m", base), retries=5, retry_seconds=1000)
    first, id = load.loaded[1], id_of(manager)
    base.rename(tmp_path / "away")
    manager.lost(id, NotFound("gone"))
    assert (states(manager), manager.status("m")[0].error_message) == ({1: State.END}, "gone")
    with pytest.raises(NotFound):
        load.models.find(ModelSpec("m"))
    until(lambda: first.closed)
    (tmp_path / "away").rename(base)
    until(lambda: states(manager) == {1: State.AVAILABLE})
    assert load.models.find(ModelSpec("m")) is load.loaded[1] is not first


def test_a_version_in_quarantine(run: Run, tmp_path: Path, load: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version before comes back. The version is loaded again when its files change."""
    add(tmp_path, 1, 2)
    manager = run(ModelConfig("m", tmp_path), retries=5, retry_seconds=0)
    id = manager._models["m"].published().versions[2]
    manager.lost(id, Quarantined("crashes"))
    until(lambda: states(manager) == {2: State.END, 1: State.AVAILABLE})
    assert manager.status("m", 2)[0].error_code == "INTERNAL"
    time.sleep(0.1)
    assert load.tried == [2, 1]
    (tmp_path / "2" / "assets" / "model").write_text("a better model")
    until(lambda: states(manager) == {2: State.AVAILABLE, 1: State.END})
    manager.lost(manager._models["m"].published().versions[2], Quarantined("crashes"))
    until(lambda: states(manager) == {2: State.END, 1: State.AVAILABLE})
    monkeypatch.setattr(versions, "QUARANTINE_SECONDS", 0.0)  # the pause is over
    until(lambda: states(manager) == {2: State.AVAILABLE, 1: State.END})


def test_changed_files_are_loaded_again(run: Run, tmp_path: Path, load: Loader) -> None:
    """The old files answer requests until the new files are loaded."""
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path))
    first, id = load.loaded[1], id_of(manager)
    load.gate.clear()
    for _ in range(3):
        manager.changed(id)
    until(lambda: len(load.tried) == 2)
    assert load.models.find(ModelSpec("m")) is first and states(manager) == {1: State.AVAILABLE}
    load.gate.set()
    until(lambda: first.closed)
    assert load.models.find(ModelSpec("m")) is load.loaded[1]
    manager.changed(id)  # reports of a load that is unloaded have no effect
    manager.lost(id, NotFound("gone"))
    assert states(manager) == {1: State.AVAILABLE} and load.tried == [1, 1]


def test_a_version_that_cannot_be_loaded_again_and_is_removed(run: Run, tmp_path: Path, load: Loader) -> None:
    """The old files answer requests only until the next version is loaded."""
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path))
    first = load.loaded[1]
    (tmp_path / "1" / "assets" / "broken").touch()
    manager.changed(id_of(manager))
    until(lambda: len(load.tried) == 2)
    assert load.models.find(ModelSpec("m")) is first
    shutil.rmtree(tmp_path / "1")
    add(tmp_path, 2)
    until(lambda: states(manager).get(2) is State.AVAILABLE and first.closed)
    assert load.models.find(ModelSpec("m")) is load.loaded[2]
    assert list(manager._models["m"].published().versions) == [2]


def test_changed_files_in_a_folder_are_loaded_again(run: Run, tmp_path: Path, load: Loader) -> None:
    for name in ("m", "n"):
        add(tmp_path / name, 1)
    manager = run(ModelConfig("m", tmp_path / "m"), ModelConfig("n", tmp_path / "n"))
    manager.files_changed(tmp_path / "m" / "1")
    until(lambda: len(load.tried) == 3)
    until(lambda: states(manager) == {1: State.AVAILABLE})


@pytest.mark.parametrize("poll_seconds", [0.02, 0])
def test_files_that_change_during_the_load(tmp_path: Path, load: Loader, poll_seconds: float) -> None:
    add(tmp_path, 1)
    load.gate.clear()
    manager = Manager([ModelConfig("m", tmp_path)], load.host, poll_seconds=poll_seconds)
    manager.start()
    until(lambda: load.tried)
    (tmp_path / "1" / "assets" / "model").write_text("a better model")
    load.gate.set()
    until(lambda: load.tried == [1, 1] and states(manager) == {1: State.AVAILABLE})
    manager.stop()


def test_a_file_that_the_server_does_not_read_may_change_during_the_load(tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1)
    load.gate.clear()
    manager = Manager([ModelConfig("m", tmp_path)], load.host, poll_seconds=0.02)
    manager.start()
    until(lambda: load.tried)
    (tmp_path / "1" / "training.log").write_text("epoch 1")
    load.gate.set()
    until(lambda: states(manager) == {1: State.AVAILABLE})
    assert load.tried == [1]
    manager.stop()


def test_a_lost_version_in_a_folder_that_cannot_be_read(
    run: Run, tmp_path: Path, load: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manager does not read the folder while it holds its lock."""
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path))
    gate = threading.Event()

    def hanging(folder: Path) -> Any:
        gate.wait(SECONDS)
        return ()

    monkeypatch.setattr(versions, "files_of", hanging)
    monkeypatch.setattr(model_versions, "files_of", hanging)
    begun = time.monotonic()
    manager.lost(id_of(manager), Quarantined("takes too long"))
    assert time.monotonic() - begun < SECONDS / 2
    assert states(manager) == {1: State.END}
    gate.set()


def test_a_version_that_is_lost_while_it_is_loaded_again(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path))
    first, id = load.loaded[1], id_of(manager)
    load.gate.clear()
    manager.changed(id)
    until(lambda: len(load.tried) == 2)
    manager.lost(id, NotFound("gone"))
    assert states(manager) == {1: State.LOADING}
    load.gate.set()
    until(lambda: states(manager) == {1: State.AVAILABLE} and first.closed)
    assert load.models.find(ModelSpec("m")) is load.loaded[1]
