"""Tests of the manager with real folders and a fake loader: which versions are served, and when a version is closed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.config.model_config import ModelConfig
from keras_gallery.serving.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound, ServingError
from keras_gallery.serving.lifecycle import manager as manager_module
from keras_gallery.serving.lifecycle.manager import Manager
from keras_gallery.serving.lifecycle.model_versions import ModelVersions
from keras_gallery.serving.lifecycle.versions import State
from keras_gallery.serving.wire.predict import ModelSpec

from ...waiting import until
from ..fake_models import record
from .fake_loader import SECONDS, Loader, Run, add, served, states

# === Version policies and labels ===


@pytest.mark.parametrize(
    ("policy", "loaded"),
    [({}, {10}), ({"latest": 2}, {9, 10}), ({"latest": 0}, {1, 9, 10}), ({"specific": (1, 9)}, {1, 9})],
    ids=str,
)
def test_policies(run: Run, tmp_path: Path, load: Loader, policy: dict[str, Any], loaded: set[int]) -> None:
    add(tmp_path, 1, 9, 10)
    manager = run(ModelConfig("m", tmp_path, **policy))
    until(lambda: load.loaded.keys() == loaded)
    until(lambda: set(states(manager).values()) == {State.AVAILABLE})
    assert served(load) == max(loaded)
    assert [served(load, version=version) for version in sorted(loaded)] == sorted(loaded)


def test_labels(run: Run, tmp_path: Path, load: Loader) -> None:
    """A label takes effect when the label's version becomes available. The label stays if the version is removed."""
    add(tmp_path, 1, 2)
    labels = {"stable": 1, "canary": 2, "later": 3}
    manager = run(ModelConfig("m", tmp_path, latest=0, labels=labels))
    until(lambda: list(states(manager).values()) == [State.AVAILABLE] * 2)
    assert (served(load, label="stable"), served(load, label="canary")) == (1, 2)
    for label in ("later", "other", ""):
        with pytest.raises(InvalidArgument, match=f"^Unrecognized servable version label: {label}$"):
            served(load, label=label)
    with pytest.raises(InvalidArgument, match="^Unrecognized servable version label: stable$"):
        load.models.find(ModelSpec("unknown", label="stable"))
    add(tmp_path, 3)
    until(lambda: list(states(manager).values()) == [State.AVAILABLE] * 3)
    assert served(load, label="later") == 3
    (tmp_path / "3").rename(tmp_path / "gone")
    until(lambda: states(manager)[3] is State.END)
    with pytest.raises(NotFound, match=r"^Servable not found for request: Specific\(m, 3\)$"):
        served(load, label="later")


def test_early_labels_may_name_versions_that_are_not_available(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1)
    run(ModelConfig("m", tmp_path, labels={"later": 3}), early_labels=True)
    with pytest.raises(NotFound, match=r"^Servable not found for request: Specific\(m, 3\)$"):
        served(load, label="later")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (ModelSpec("other"), "Servable not found for request: Latest(other)"),
        (ModelSpec("other", version=7), "Servable not found for request: Specific(other, 7)"),
        (ModelSpec("other", version=0), "Servable not found for request: Specific(other, 0)"),
        (ModelSpec("m", version=7), "Servable not found for request: Specific(m, 7)"),
        (ModelSpec("m", version=-1), "Servable not found for request: Specific(m, -1)"),
        (ModelSpec("m", version=0), "Servable not found for request: Specific(m, 0)"),
    ],
)
def test_unknown_models_and_versions(run: Run, tmp_path: Path, spec: ModelSpec, message: str, load: Loader) -> None:
    add(tmp_path, 1)
    with pytest.raises(NotFound) as caught:
        run(ModelConfig("m", tmp_path))
        load.models.find(spec)
    assert str(caught.value) == message


def test_status(run: Run, tmp_path: Path) -> None:
    add(tmp_path, 1, 2)
    manager = run(ModelConfig("m", tmp_path, latest=0))
    until(lambda: states(manager) == {2: State.AVAILABLE, 1: State.AVAILABLE})
    assert [version.number for version in manager.status("m")] == [2, 1]
    assert [version.number for version in manager.status("m", 1)] == [1]
    with pytest.raises(NotFound, match="^Could not find version 7 of model m$"):
        manager.status("m", 7)
    with pytest.raises(NotFound, match="^Could not find any versions of model other$"):
        manager.status("other")


# === Swaps ===


def test_a_new_version_takes_over(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path))
    assert served(load) == 1
    add(tmp_path, 2)
    until(lambda: served(load) == 2)
    until(lambda: states(manager) == {2: State.AVAILABLE, 1: State.END})
    assert load.loaded[1].closed
    assert not load.loaded[2].closed
    with pytest.raises(NotFound):
        served(load, version=1)


def test_the_old_version_serves_until_the_new_one_is_ready(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path))
    load.gate.clear()
    add(tmp_path, 2)
    until(lambda: load.tried == [1, 2])
    assert states(manager) == {2: State.LOADING, 1: State.AVAILABLE}
    assert served(load) == 1
    load.gate.set()
    until(lambda: served(load) == 2)


def test_the_old_version_is_closed_after_its_last_request(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path))
    with load.models.using(ModelSpec("m"), record()) as first, load.models.using(ModelSpec("m"), record()):
        add(tmp_path, 2)
        until(lambda: states(manager) == {2: State.AVAILABLE, 1: State.UNLOADING})
        assert (first.version, served(load)) == (1, 2)
        assert not load.loaded[1].closed
    until(lambda: states(manager)[1] is State.END)
    assert load.loaded[1].closed


def test_requests_during_swaps_always_find_an_open_version(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1)
    run(ModelConfig("m", tmp_path), poll_seconds=0.001)
    wrong: list[object] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                with load.models.using(ModelSpec("m"), record()) as servable:
                    if load.loaded[servable.version].closed:
                        wrong.append(servable)
            except ServingError as error:
                wrong.append(error)

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    for version in range(2, 12):
        add(tmp_path, version)
        until(lambda version=version: served(load) == version)
    done.set()
    for thread in asking:
        thread.join(SECONDS)
    assert not wrong


def test_a_removed_version_is_unloaded_and_comes_back(run: Run, tmp_path: Path) -> None:
    add(tmp_path, 1, 2)
    manager = run(ModelConfig("m", tmp_path, specific=(2,)))
    (tmp_path / "2").rename(tmp_path / "removed")
    until(lambda: states(manager) == {2: State.END})
    (tmp_path / "removed").rename(tmp_path / "2")
    until(lambda: states(manager) == {2: State.AVAILABLE})


def test_loaded_versions_stay_if_the_base_path_disappears(run: Run, tmp_path: Path, load: Loader) -> None:
    base = tmp_path / "m"
    add(base, 1)
    other = tmp_path / "other"
    manager = run(ModelConfig("m", base), ModelConfig("other", other))
    base.rename(tmp_path / "gone")
    add(other, 5)
    until(lambda: 5 in load.loaded)  # at this point, both folders have been polled
    until(lambda: manager.status("other")[0].state is State.AVAILABLE)
    assert served(load) == 1


# === Versions that cannot be loaded ===


def test_the_old_version_stays_if_the_new_one_is_broken(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path))
    add(tmp_path, 2, file="broken")
    until(lambda: states(manager) == {2: State.END, 1: State.AVAILABLE})
    (broken,) = manager.status("m", 2)
    assert (broken.error_code, broken.error_message) == ("OUT_OF_RANGE", "Read less bytes than requested")
    assert served(load) == 1
    assert not load.loaded[1].closed


@pytest.mark.parametrize("file", ["broken", "bug"])
def test_the_next_older_version_is_loaded_at_the_start_if_a_version_is_broken(
    run: Run, tmp_path: Path, file: str, load: Loader
) -> None:
    add(tmp_path, 1, 2)
    add(tmp_path, 3, file=file)
    manager = run(ModelConfig("m", tmp_path))
    assert served(load) == 2  # the manager has settled only after it has loaded version 2
    assert states(manager) == {3: State.END, 2: State.AVAILABLE}


def test_an_unexpected_exception_is_an_error_of_the_version(run: Run, tmp_path: Path) -> None:
    add(tmp_path, 1, file="bug")
    (version,) = run(ModelConfig("m", tmp_path)).status("m")
    assert version.state is State.END
    assert (version.error_code, version.error_message) == ("UNKNOWN", "KeyError: 'a bug'")


def test_a_broken_version_is_retried_at_once_if_its_files_change(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path), retry_seconds=1000)
    add(tmp_path, 2, file="broken")
    until(lambda: states(manager).get(2) is State.END)
    (tmp_path / "2" / "assets" / "more").write_text("a file that was still being copied")
    until(lambda: load.tried == [1, 2, 2])
    until(lambda: states(manager).get(2) is State.END)
    (tmp_path / "2" / "assets" / "broken").unlink()
    until(lambda: served(load) == 2)
    assert manager.status("m", 2)[0].error_code == "OK"
    assert load.tried == [1, 2, 2, 2]


def test_the_number_of_retries(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1, file="broken")
    run(ModelConfig("m", tmp_path, latest=2), retries=2, retry_seconds=0, poll_seconds=0.002)
    until(lambda: load.tried == [1, 1, 1])
    add(tmp_path, 2)
    until(lambda: 2 in load.loaded)
    assert load.tried == [1, 1, 1, 2]


def test_no_retry_before_the_interval_has_passed(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1, file="broken")
    run(ModelConfig("m", tmp_path, latest=2), retries=5, retry_seconds=1000, poll_seconds=0.002)
    add(tmp_path, 2)
    until(lambda: 2 in load.loaded)
    assert load.tried == [1, 2]


def test_a_version_that_fails_during_polling(tmp_path: Path, load: Loader) -> None:
    """Version 2 fails at once. The manager has settled only after it has also tried version 1."""

    class AtOnce:
        def submit(self, function: Callable[..., None], *arguments: Any) -> None:
            function(*arguments)

    add(tmp_path, 1)
    add(tmp_path, 2, file="broken")
    manager = Manager([ModelConfig("m", tmp_path)], load.host)
    manager._resources.loads = AtOnce()  # type: ignore[assignment]
    model = manager._models["m"]
    model._poll(model.config)
    assert not manager.wait_until_settled(0)
    model._poll(model.config)
    assert manager.wait_until_settled(0)
    assert served(load) == 1


# === Improved versions ===


def test_an_improved_version_is_loaded_again(run: Run, tmp_path: Path, load: Loader) -> None:
    """The first load serves until the second load is ready. Then the manager closes the first load."""
    folders: list[Path] = []
    gate = threading.Event()

    def improve(folder: Path) -> bool:
        folders.append(folder)
        return gate.wait(SECONDS)

    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path), improve=improve)
    first = load.loaded[1]
    load.gate.clear()
    gate.set()
    until(lambda: load.tried == [1, 1])
    assert states(manager) == {1: State.AVAILABLE}
    assert load.models.find(ModelSpec("m")) is first
    load.gate.set()
    until(lambda: first.closed)
    assert load.models.find(ModelSpec("m")) is load.loaded[1]
    assert not load.loaded[1].closed
    assert folders == [tmp_path / "1"]


@pytest.mark.parametrize("improved", [True, False])
def test_a_version_that_no_engine_can_run_is_improved_first(
    run: Run, tmp_path: Path, load: Loader, improved: bool
) -> None:
    def improve(folder: Path) -> bool:
        load.unsupported.clear()
        return improved

    load.unsupported.add("m")
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path), improve=improve)
    if improved:
        until(lambda: load.tried == [1, 1, 1])  # with the load after the improvement in the background
    assert states(manager) == {1: State.AVAILABLE if improved else State.END}
    assert improved or load.tried == [1]


# === Reload ===


def test_reload(run: Run, tmp_path: Path, load: Loader) -> None:
    """`reload` returns when the new models are served. Models that are not listed are unloaded, but keep a status."""
    add(tmp_path / "m", 1)
    add(tmp_path / "n", 5)
    manager = run(ModelConfig("m", tmp_path / "m"), poll_seconds=0)
    manager.reload([ModelConfig("m", tmp_path / "m"), ModelConfig("n", tmp_path / "n")])
    assert load.models.find(ModelSpec("n")).version == 5
    assert served(load) == 1
    manager.reload([ModelConfig("n", tmp_path / "n")])
    until(lambda: states(manager) == {1: State.END})
    with pytest.raises(NotFound, match=r"^Servable not found for request: Latest\(m\)$"):
        served(load)
    assert [model.name for model in manager.models()] == ["n"]
    manager.reload([ModelConfig("m", tmp_path / "m")])
    assert served(load) == 1


def test_reload_with_another_policy(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1, 2, 3)
    manager = run(ModelConfig("m", tmp_path), poll_seconds=0)
    manager.reload([ModelConfig("m", tmp_path, specific=(1, 2))])
    until(lambda: states(manager) == {3: State.END, 2: State.AVAILABLE, 1: State.AVAILABLE})
    assert served(load) == 2


def test_reload_with_another_base_path(run: Run, tmp_path: Path, load: Loader) -> None:
    """Both folders have a version 1. The old folder's version is served until the new folder's version is ready."""
    add(tmp_path / "old", 1)
    add(tmp_path / "new", 1)
    manager = run(ModelConfig("m", tmp_path / "old"))
    old = load.loaded[1]
    load.gate.clear()
    manager.reload([ModelConfig("m", tmp_path / "new")])
    until(lambda: load.tried == [1, 1])
    assert load.models.find(ModelSpec("m")) is old
    load.gate.set()
    until(lambda: load.models.find(ModelSpec("m")) is not old)
    until(lambda: old.closed)
    assert not load.loaded[1].closed


def test_reload_with_broken_models(run: Run, tmp_path: Path, load: Loader) -> None:
    """`reload` raises an error that lists the broken models, and serves the other models."""
    add(tmp_path / "m", 1)
    add(tmp_path / "broken", 2, file="broken")
    manager = run(ModelConfig("m", tmp_path / "m"))
    reasons = (
        "2 servable(s) did not become available: {{{name: b version: 2} due to error: OUT_OF_RANGE: "
        "Read less bytes than requested}, {{name: c} due to error: no versions found under base path}, }"
    )
    with pytest.raises(ServingError) as caught:
        manager.reload(
            [ModelConfig(name, tmp_path / path) for name, path in [("m", "m"), ("b", "broken"), ("c", "missing")]]
        )
    assert (str(caught.value), caught.value.code.name) == (reasons, "UNKNOWN")
    assert served(load) == 1
    add(tmp_path / "missing", 7)
    until(lambda: 7 in load.loaded)


def test_reload_of_labels(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1, 2)
    manager = run(ModelConfig("m", tmp_path, labels={"stable": 2}))
    message = "^Request to assign label to version 1 of model m, which is not currently available for inference$"
    for early in (False, True):
        manager._early_labels = early  # a label in use never moves to a version that is not available
        with pytest.raises(FailedPrecondition, match=message):
            manager.reload([ModelConfig("m", tmp_path, labels={"stable": 1})])
        assert served(load, label="stable") == 2
    manager.reload([ModelConfig("m", tmp_path)])
    with pytest.raises(InvalidArgument, match="^Unrecognized servable version label: stable$"):
        served(load, label="stable")


def test_reload_to_another_platform(run: Run, tmp_path: Path) -> None:
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path))
    with pytest.raises(
        InvalidArgument,
        match="^Illegal to change a model's platform. For model m platform was tensorflow "
        "and new platform requested is other$",
    ):
        manager.reload([ModelConfig("m", tmp_path, platform="other")])


# === Start and stop ===


@pytest.mark.parametrize("base", ["missing", "empty", "file", "broken"])
def test_a_model_without_versions_does_not_block_the_others(run: Run, tmp_path: Path, base: str, load: Loader) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("no folder")
    add(tmp_path / "broken", 1, file="broken")
    add(tmp_path / "good", 1)
    manager = run(ModelConfig("other", tmp_path / base), ModelConfig("m", tmp_path / "good"))
    assert served(load) == 1
    assert [model.name for model in manager.models()] == ["m", "other"]
    with pytest.raises(NotFound, match=r"^Servable not found for request: Latest\(other\)$"):
        load.models.find(ModelSpec("other"))


def test_a_missing_model_is_served_once_it_exists(run: Run, tmp_path: Path, load: Loader) -> None:
    manager = run(ModelConfig("m", tmp_path / "later"))
    add(tmp_path / "later", 3)
    until(lambda: load.loaded)
    until(lambda: states(manager) == {3: State.AVAILABLE})


def test_a_specific_version_that_does_not_exist(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1)
    with pytest.raises(NotFound):
        run(ModelConfig("m", tmp_path, specific=(9,)))
        served(load)


def test_not_settled_while_loading(tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1)
    load.gate.clear()
    manager = Manager([ModelConfig("m", tmp_path)], load.host)
    manager.start()
    assert not manager.wait_until_settled(0.05)
    load.gate.set()
    assert manager.wait_until_settled(SECONDS)
    manager.stop()


def test_stop_closes_all_versions(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1, 2, 3)
    manager = run(ModelConfig("m", tmp_path, latest=0))
    until(lambda: len(load.loaded) == 3)
    manager.stop()
    assert all(servable.closed for servable in load.loaded.values())
    with pytest.raises(NotFound):
        load.models.find(ModelSpec("m"))


def test_stop_waits_for_requests_in_progress(run: Run, tmp_path: Path, load: Loader) -> None:
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path))
    with load.models.using(ModelSpec("m"), record()):
        stopping = threading.Thread(target=manager.stop)
        stopping.start()
        stopping.join(0.05)
        assert stopping.is_alive()
        assert not load.loaded[1].closed
    stopping.join(SECONDS)
    assert load.loaded[1].closed


def test_stop_closes_versions_that_wait_to_be_unloaded(run: Run, tmp_path: Path, load: Loader) -> None:
    """All versions are in use, and there are more versions to unload than threads."""
    add(tmp_path, 1, 2, 3, 4)
    manager = run(ModelConfig("m", tmp_path, latest=4))
    until(lambda: len(load.loaded) == 4)
    until(lambda: set(states(manager).values()) == {State.AVAILABLE})
    with ExitStack() as requests:
        for version in (1, 2, 3, 4):
            requests.enter_context(load.models.using(ModelSpec("m", version=version), record()))
        for version in (1, 2, 3):
            (tmp_path / str(version)).rename(tmp_path / f"removed-{version}")
        until(lambda: list(states(manager).values()).count(State.UNLOADING) == 3)
        stopping = threading.Thread(target=manager.stop)
        stopping.start()
        until(lambda: not manager._thread.is_alive())
    stopping.join(SECONDS)
    assert all(servable.closed for servable in load.loaded.values())


def test_past_models_are_forgotten(run: Run, tmp_path: Path, load: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reloads with ever new names keep the status of the last models only. A model with a loaded version stays."""
    monkeypatch.setattr(manager_module, "MAX_PAST", 3)
    add(tmp_path, 1)
    manager = run(ModelConfig("m", tmp_path))

    def past() -> list[str]:
        return [name for name, model in list(manager._models.items()) if not model.config]

    with load.models.using(ModelSpec("m"), record()):  # a request in progress
        for number in range(8):
            with pytest.raises(ServingError):
                manager.reload([ModelConfig(f"m{number}", tmp_path / "none"), ModelConfig("kept", tmp_path)])
        until(lambda: past() == ["m", "m4", "m5", "m6"])
        until(lambda: states(manager) == {1: State.UNLOADING})
    until(lambda: past() == ["m4", "m5", "m6"])
    with pytest.raises(NotFound, match="^Could not find any versions of model m$"):
        manager.status("m")
    manager.reload([ModelConfig("m4", tmp_path)])  # served again
    until(lambda: past() == ["m6", "kept", "m7"])
    assert manager.status("kept")[0].state is State.END


def test_a_reload_whose_models_were_forgotten(
    run: Run, tmp_path: Path, load: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager_module, "MAX_PAST", 1)
    manager = run()
    raised = []

    def reload() -> None:
        with pytest.raises(Aborted) as caught:
            manager.reload([ModelConfig("hangs", tmp_path / "a")])
        raised.append(caught.value)

    monkeypatch.setattr(ModelVersions, "_note_failure", lambda self: None)  # the model is never settled
    waiting = threading.Thread(target=reload)
    waiting.start()
    until(lambda: manager.models())
    with manager._changed:
        manager.apply([ModelConfig("other", tmp_path / "b")])
        manager.apply([])
        assert list(manager._models) == ["other"]
    waiting.join(SECONDS)
    assert str(raised[0]) == "Another reload has replaced the configuration of hangs."
