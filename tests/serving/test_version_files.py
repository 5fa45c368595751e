"""Tests that no reader of a version's files waits for a named pipe."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving import saved_model, version_files
from keras_gallery.serving.config import server_config
from keras_gallery.serving.core import warmup
from keras_gallery.serving.engines.openvino import files as openvino_files
from keras_gallery.serving.errors import FailedPrecondition, InvalidArgument
from keras_gallery.serving.version_files import FilesChanged

READERS: dict[str, Callable[[Path], Any]] = {
    "variables/variables.index": saved_model.fingerprint,
    "assets.extra/tf_serving_warmup_requests": lambda folder: list(warmup.read(folder)),
    "batching_params.pbtxt": server_config.model_batching_parameters,
    "assets.extra/openvino/m.xml": lambda folder: openvino_files.digest("", folder / "assets.extra/openvino/m.xml"),
    "saved_model.pb": lambda folder: version_files.read_file(folder / "saved_model.pb"),
}


@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_an_error(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(file)
    with pytest.raises((FailedPrecondition, InvalidArgument), match=f"{name} is not a regular file"):
        READERS[name](tmp_path)


def test_a_pipe_instead_of_the_openvino_index_is_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(tmp_path / "index.json")
    assert openvino_files.read(tmp_path) is None
    assert "index.json is not a regular file" in caplog.text


def test_a_regular_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert version_files.read_file(tmp_path / "link") == b"content"
    with pytest.raises(FileNotFoundError):
        version_files.read_file(tmp_path / "missing")


def test_errors_can_be_sent_to_another_process() -> None:
    error = FilesChanged(Path("/m/1"))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
