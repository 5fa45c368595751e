"""The fixtures of the hardening tests: the files of the model, and a server for each test module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from . import line_model
from .abused import MODEL, AbusedServer

MAX_REQUEST_BYTES = 4_000_000
BOUNDS = {
    "api.front__HANDSHAKE_SECONDS": 1.0,
    "api.front__HEAD_SECONDS": 1.0,
    "api.front__ANSWER_SECONDS": 2.0,
    "ports__UNREAD_SECONDS": 2.0,
    "api.rest.application__CHUNK_SECONDS": 2.0,
    "api.rest.body__BODY_SECONDS": 2.0,
}


@pytest.fixture(scope="session")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Writes version 1 of the model. Returns the model's base path."""
    base = tmp_path_factory.mktemp("models") / MODEL
    line_model.write(base / "1")
    return base


@pytest.fixture(scope="module")
def server(base_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AbusedServer]:
    """Starts a server of one process with short timeouts.

    At the end of the test module, checks that the server still answers and has not logged a traceback.
    """
    log = tmp_path_factory.mktemp("server") / "server.log"
    with AbusedServer(base_path, log, f"--max_request_bytes={MAX_REQUEST_BYTES}", **BOUNDS) as running:
        yield running
        running.check()
    assert "Traceback" not in log.read_text(), log.read_text()
    assert running.process.returncode == 0
