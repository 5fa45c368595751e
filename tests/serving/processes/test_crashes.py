"""Tests which version is found to crash the processes."""

from __future__ import annotations

import signal

import pytest
from keras_gallery.serving.processes import crashes
from keras_gallery.serving.processes.crashes import Crashes, is_crash


def test_exit_statuses() -> None:
    assert is_crash(-signal.SIGSEGV) and is_crash(-signal.SIGABRT)
    assert not any(map(is_crash, (0, 1, signal.SIGSEGV, -signal.SIGKILL, -signal.SIGTERM)))


@pytest.mark.parametrize(
    ("each", "found"),
    [
        ([{1}, {1}], [None, 1]),
        ([{1}, {2}, {1}], [None, None, 1]),
        ([set(), set(), set()], [None, None, None]),
        ([{1, 2}, {1}, {2, 1}], [None, None, 1]),
        ([{1, 2}] * 4, [None, None, None, 2]),  # the version that was loaded last
        ([{1}, {1}, {1}], [None, 1, None]),
    ],
)
def test_the_version_to_unload(each: list[set[int]], found: list[int | None]) -> None:
    noted = Crashes()
    assert [noted.note(ids) for ids in each] == found


def test_unloaded_versions_and_old_crashes_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    noted = Crashes()
    noted.note({1})
    noted.forget(1)
    assert noted.note({1}) is None
    monkeypatch.setattr(crashes, "WINDOW_SECONDS", 0.0)
    assert noted.note({1}) is None
