"""Tests of commands that ask for a model while the server loads it."""

from __future__ import annotations

from typing import Any

import pytest
from keras_gallery.cli import files, served
from keras_gallery.cli.main import main
from keras_gallery.models.errors import GalleryError
from keras_gallery.serving.errors import NotFound

from .fake_client import FLOAT, FakeClient, signature

PREDICT = signature("classify", {"x": ((-1, 2), FLOAT)}, ["scores"])


class Loading(FakeClient):
    """A client of a server that has loaded the model after some requests, or never with None."""

    def __init__(self, state: str, requests: int | None) -> None:
        super().__init__([PREDICT], lambda *_: {})
        self.state, self.requests, self.asked = state, requests, 0

    def signatures(self, model: str, *, version: int | None = None) -> dict[str, Any]:
        self.asked += 1
        if self.requests is None or self.asked <= self.requests:
            raise NotFound(f"Servable not found for request: Latest({model})")
        return super().signatures(model, version=version)

    def status(self, model: str, *, version: int | None = None) -> dict[int, str]:
        is_loaded = self.requests is not None and self.asked > self.requests
        return {7: "AVAILABLE" if is_loaded else self.state}


def test_a_command_waits_for_a_model(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(served, "PAUSE", 0)
    for state in ("START", "LOADING"):
        client: Any = Loading(state, 3)
        assert served.newest_version(client, "wine") == 7 and client.asked == 4
        assert capsys.readouterr().err == "Waiting until the server has loaded wine ...\n"


def test_a_model_that_is_not_loaded(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(served, "SECONDS", 0)
    client: Any = Loading("LOADING", None)
    with pytest.raises(GalleryError, match="The server is still loading the model wine. Run the command again"):
        served.signatures(client, "wine")
    monkeypatch.setattr(files, "connect", lambda values: client)
    assert main(["nearest", "wine", "red"]) == 2
    assert capsys.readouterr().err.startswith("gallery: The server is still loading the model wine.")
    ended: Any = Loading("END", None)
    with pytest.raises(NotFound, match="Servable not found"):
        served.signatures(ended, "wine")
