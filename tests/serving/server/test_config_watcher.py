"""Tests of the model config file: whatever it contains, the next file is read."""

from __future__ import annotations

import logging
import os
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from keras_gallery.serving.config.model_config import ModelConfig
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.server import config_watcher
from keras_gallery.serving.server.config_watcher import ConfigWatcher

from ...waiting import until

SECONDS = 10


def text(*names: str) -> str:
    configs = "".join(f'config {{ name: "{name}" base_path: "/m" model_platform: "tensorflow" }} ' for name in names)
    return f"model_config_list {{ {configs} }}"


class FakeManager:
    """Keeps the names of the models that it serves. Refuses the model `refused`."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def apply(self, configs: Sequence[ModelConfig]) -> None:
        names = [config.name for config in configs]
        if "refused" in names:
            raise InvalidArgument("refused")
        if "bug" in names:
            raise KeyError("a bug")
        self.names = names


@pytest.fixture
def manager() -> FakeManager:
    return FakeManager()


@pytest.fixture
def file(tmp_path: Path, manager: FakeManager) -> Iterator[Path]:
    """Returns the path of a config file that a watcher reads."""
    file = tmp_path / "models.config"
    file.write_text(text("one"))
    values = Namespace(model_config_file=str(file), model_config_file_poll_wait_seconds=0.01)
    watcher = ConfigWatcher(values, manager, [])  # type: ignore[arg-type]
    watcher.start()
    until(lambda: manager.names == ["one"])
    yield file
    watcher.stop()


def nested(depth: int) -> str:
    any_message = "custom_model_config { [type.googleapis.com/tensorflow.serving.ModelServerConfig] { "
    return any_message * depth + " } }" * depth


def replace(file: Path, content: str) -> None:
    (file.parent / "new").write_text(content)
    (file.parent / "new").rename(file)


BAD = {
    "no text format": "model_config_list {",
    "nested": nested(400),
    "refused": text("refused"),
    "a bug": text("bug"),
    "the same name": text("m", "m"),
    "no list": "custom_model_config { }",
    "not text": "\udc80",
}


@pytest.mark.parametrize("case", BAD)
def test_a_good_file_after_a_bad_file(
    file: Path, manager: FakeManager, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    (file.parent / "new").write_bytes(BAD[case].encode(errors="surrogateescape"))
    (file.parent / "new").rename(file)

    def errors() -> list[str]:  # other libraries log, too
        own = [record for record in caplog.records if record.name == config_watcher.__name__]
        return [record.getMessage() for record in own if record.levelno >= logging.ERROR]

    until(errors)
    time.sleep(0.05)  # the file is read again several times
    (error,) = errors()
    assert "\n" not in error and str(file) in error
    assert manager.names == ["one"]
    replace(file, text("two", "three"))
    until(lambda: manager.names == ["two", "three"])


def test_a_missing_file_and_a_pipe(file: Path, manager: FakeManager, caplog: pytest.LogCaptureFixture) -> None:
    file.unlink()
    until(lambda: "No such file" in caplog.text)
    os.mkfifo(file)
    until(lambda: "not a regular file" in caplog.text)
    assert manager.names == ["one"]
    file.unlink()
    replace(file, text("two"))
    until(lambda: manager.names == ["two"])
