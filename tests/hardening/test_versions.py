"""Tests of versions that crash the worker processes or hang while they are loaded."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
from pathlib import Path

import pytest

from . import line_model
from .abused import BODY, MODEL, AbusedServer, eventually

pytestmark = pytest.mark.long

# Python runs this file at the start of each process. An input of 666 crashes version 2 of the model, as a bug in native
# code would. Loading a model called `hanging` does not end.
_PATCHES = """
import signal, time
from keras_gallery.serving.core.loader import Loader
from keras_gallery.serving.engines.openvino.engine import OpenVinoRunner

run, load = OpenVinoRunner.__call__, Loader.__call__

def run_or_crash(runner, inputs, outputs):
    result = run(runner, inputs, outputs)
    if (result["y"] == 3 * 666 + 1).all():
        signal.raise_signal(signal.SIGSEGV)  # in this thread, as a real crash
    return result

def load_or_hang(loader, name, version, folder):
    if name == "hanging":
        time.sleep(600)
    return load(loader, name, version, folder)

OpenVinoRunner.__call__, Loader.__call__ = run_or_crash, load_or_hang
"""


@pytest.fixture
def patched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(_PATCHES)
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


def test_a_version_that_crashes_its_workers(tmp_path: Path, patched: None) -> None:
    """The version before comes back. Then both versions stay as they are."""
    base = tmp_path / MODEL
    line_model.write(base / "1")
    line_model.write(base / "2", slope=3.0)
    with AbusedServer(base, tmp_path / "log", workers=2) as server:
        body = json.dumps({"instances": [[666.0] * 8]}).encode()

        def is_in_quarantine() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                server.rest("POST", f"/v1/models/{MODEL}:predict", body)
                _, status = server.rest("GET", f"/v1/models/{MODEL}")
                return b"crashed two worker processes" in status and b'"AVAILABLE"' in status
            return False

        eventually(is_in_quarantine, seconds=60)
        for _ in range(10):
            server.check()
            assert server.rest("POST", f"/v1/models/{MODEL}:predict", body)[0] == 200
    crashes = (tmp_path / "log").read_text().count("ended with status -11")
    assert 2 <= crashes <= 3  # another request may arrive before the version is unloaded


def _answers(server: AbusedServer) -> bool:
    try:
        return server.rest("POST", f"/v1/models/{MODEL}:predict", BODY)[0] == 200
    except OSError:  # with several workers, each opens the port for itself
        return False


@pytest.mark.parametrize("workers", [1, 2])
def test_a_load_that_hangs(base_path: Path, tmp_path: Path, patched: None, workers: int) -> None:
    """The ports open without the model, and SIGTERM ends the server."""
    names = ("hanging", MODEL)
    configs = [f'config {{ name: "{n}" base_path: "{base_path}" model_platform: "tensorflow" }}' for n in names]
    (tmp_path / "models").write_text(f"model_config_list {{ {' '.join(configs)} }}")
    flags = [f"--model_config_file={tmp_path / 'models'}", "--num_load_threads=1", "--shutdown_grace_seconds=1"]
    bounds = {"lifecycle__manager__LOAD_SECONDS": 0.2, "server__model_server__OPEN_SECONDS": 1.0}
    with AbusedServer(base_path, tmp_path / "log", *flags, workers=workers, **bounds) as server:
        eventually(lambda: _answers(server))
        status, body = server.rest("GET", "/readyz")
        assert (status, b"hanging" in body) == (503, True)
        assert b'"LOADING"' in server.rest("GET", "/v1/models/hanging")[1]
    assert server.process.returncode == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
