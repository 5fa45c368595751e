"""Tests of `gallery serve` while models are exported under new names, with a fake server."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.cli import serve
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
