"""Tests of the server that an import starts to compare the outputs: who can reach it, and what it may do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pytest
from keras_gallery.serving.config import flags
from keras_gallery.serving.importer import serving_check
from keras_gallery.serving.launcher import ServerProcess


class Server(ServerProcess):
    """Records the command lines instead of running them."""

    commands: list[list[str]] = []

    def __enter__(self) -> Self:
        self.commands.append(self.command)
        return self

    def __exit__(self, *error: object) -> None:
        self._folder.close()

    def wait_until_ready(self, *_: Any, **__: Any) -> None:
        """Does nothing."""


@pytest.mark.parametrize("trust", [False, True])
def test_only_this_machine_reaches_the_server(trust: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_check, "ServerProcess", Server)
    assert "no warm-up request" in serving_check.compare("m", tmp_path, tmp_path, trust=trust)
    command = Server.commands[-1]
    values = flags.parse(command[command.index("keras_gallery.serving.server.model_server") + 1 :])
    assert values.host == "127.0.0.1"
    assert not values.allow_reload
    assert values.restrict_models is not trust
