"""Tests of `gallery serve` while models are exported under new names, with a fake server."""

from __future__ import annotations

import argparse
import errno
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.cli import serve
from keras_gallery.cli.main import main
from keras_gallery.serving import launcher


class FakeServer:
    """A server that ends after `polls` polls. Writing its config file fails `failures` times."""

    def __init__(self, polls: int, failures: int) -> None:
        self.process: Any = self
        self.models: dict[str, Path] = {}
        self._polls, self._failures = polls, failures

    def wait(self, seconds: float) -> int:
        self._polls -= 1
        if self._polls < 0:
            return 3
        raise subprocess.TimeoutExpired("server", seconds)

    def update(self, models: dict[str, Path]) -> None:
        self._failures -= 1
        if self._failures >= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.models = models


def test_a_full_disk_does_not_stop_serving(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(launcher, "find_models", lambda root: {"new\x1b": Path("/m/new")})
    server: Any = FakeServer(polls=4, failures=2)
    assert serve._serve_new_models(server, Path("/m")) == 3
    assert capsys.readouterr().out.splitlines() == [
        r"Cannot serve new\x1b: [Errno 28] No space left on device",
        r"Serving also new\x1b.",
    ]


@pytest.mark.parametrize(
    "kind, flags, wanted",
    [
        ("embedded", ["--enable_batching"], ["--enable_page"]),
        ("embedded", ["--enable_page=false"], []),
        ("tensorflow-model-server", [], []),
        ("container", [], []),
    ],
    ids=["embedded", "off", "tensorflow-model-server", "container"],
)
def test_the_embedded_server_has_the_page(kind: str, flags: list[str], wanted: list[str]) -> None:
    assert serve.page_flags(kind, flags) == wanted


class Exporter:
    """A process that has ended with a status."""

    def __init__(self, status: int) -> None:
        self.wait = lambda seconds=0: status
        self.send_signal = lambda number: None


def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str, exported: Sequence[str]) -> Any:
    """Returns the models that `gallery serve` exports before the server starts, and those to export later."""
    for name in exported:
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / "saved_model.pb").touch()
    calls = []
    monkeypatch.setattr(serve.pretrained, "names", lambda: ["convnet", "gru", "lstm"])
    monkeypatch.setattr(serve.subprocess, "Popen", lambda command: calls.append(command) or Exporter(0))
    parser = argparse.ArgumentParser()
    serve.COMMAND.configure(parser, arguments)
    later = serve._export_missing(parser.parse_args([*arguments, "--saved-models", str(tmp_path)]))
    names = [command[command.index("export") + 1 : command.index("--saved-models")] for command in calls]
    assert all(command[-1] == str(tmp_path) for command in calls)
    return names, later


@pytest.mark.parametrize(
    "arguments, exported, now, later",
    [
        ([], [], [], []),
        (["gru", "own"], ["own"], [["gru"]], []),
        (["gru", "own"], ["gru"], [], []),  # "own" is no model of the gallery: the server says so
        (["--all"], [], [["convnet"]], ["gru", "lstm"]),
        (["--all"], ["own", "gru"], [], ["convnet", "lstm"]),
        (["--all", "--with", "container"], ["gru"], [["convnet", "lstm"]], []),
    ],
)
def test_models_that_are_exported_first(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    exported: list[str],
    now: list[list[str]],
    later: list[str],
) -> None:
    assert commands(monkeypatch, tmp_path, *arguments, exported=exported) == (now, later)


def test_all_and_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--all", "gru"]) == 2
    assert capsys.readouterr().err == "gallery: --all cannot be combined with names\n"


def test_a_failed_export_ends_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve.subprocess, "Popen", lambda command: Exporter(2))
    with pytest.raises(SystemExit) as ended:
        main(["serve", "gru", "--saved-models", str(tmp_path)])
    assert ended.value.code == 2


def test_an_export_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve.subprocess, "Popen", lambda command: Exporter(-9))
    assert main(["serve", "gru", "--saved-models", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "gallery: The export ended by signal 9. Is there enough memory?\n"
