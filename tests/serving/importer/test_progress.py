"""Tests that an import reports its progress every few seconds."""

from __future__ import annotations

import threading

import pytest
from keras_gallery.serving.importer import progress


def test_a_long_step_is_repeated_with_its_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PAUSE_SECONDS", 0.02)
    lines: list[str] = []
    enough = threading.Event()

    def report(line: str) -> None:
        lines.append(line)
        if len(lines) == 4:
            enough.set()

    with progress.Progress(report) as reported:
        reported("Reading the file")
        reported("    a change")
        assert enough.wait(10)
    assert lines[:4] == ["Reading the file", "    a change", *["    Reading the file (0 s)"] * 2]
