"""Names in files, arguments and answers cannot control the terminal or forge a line of output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from keras_gallery.cli import files
from keras_gallery.cli.main import main
from PIL import Image

EVIL = "\x1b[2Jevil\n\u202egnp\r\x9b"
SAFE = r"\x1b[2Jevil\n\u202egnp\r\x9b"


class Answers:
    """A client whose answers contain control characters."""

    def encode(self, name: str, images: Any) -> Any:
        return np.zeros((len(images), 2), np.float32)

    def classify(self, name: str, images: Any) -> Any:
        return SimpleNamespace(labels=[EVIL], scores=[0.5])

    def forecast(self, name: str, series: Any) -> Any:
        return np.zeros((1, 1, 1))

    def translate(self, name: str, texts: Any) -> Any:
        return [EVIL for _ in texts]


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the path of an image with control characters in its name. No server is needed."""

    @contextmanager
    def connect(values: Any) -> Iterator[Answers]:
        yield Answers()

    monkeypatch.setattr(files, "connect", connect)
    Image.new("L", (2, 2)).save(path := tmp_path / f"{EVIL}.png")
    (tmp_path / f"{EVIL}.csv").write_text("1\n2\n")
    return path


@pytest.mark.parametrize("command", ["encode", "classify", "forecast"])
def test_names_of_files_and_labels(command: str, evil: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = evil.with_suffix(".csv") if command == "forecast" else evil
    assert main([command, "m", str(file)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert SAFE in line and line.replace("\t", "").isprintable()


def test_texts_and_answers(evil: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", "m", EVIL]) == 0
    assert capsys.readouterr().out == f"{SAFE}\t{SAFE}\n"


@pytest.mark.parametrize("arguments", [["encode", "m", EVIL], ["import", EVIL], ["doctor", f"{EVIL}.keras"], [EVIL]])
def test_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("gallery: ") and r"\x1b[2Jevil" in line and line.isprintable()


def test_errors_and_warnings_of_several_files(evil: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil.with_name(f"{EVIL}2.png").write_bytes(b"no image")
    assert main(["encode", "m", str(evil.parent)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert SAFE in line and line.isprintable()
