"""Names in files, arguments and answers cannot control the terminal or forge a line of output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.cli import files
from keras_gallery.cli.main import main
from keras_gallery.serving.wire.tensor import string_array
from PIL import Image

from .fake_client import FLOAT, TEXT, FakeClient, signature

EVIL = "\x1b[2Jevil\n\u202egnp\r\x9b"
SAFE = r"\x1b[2Jevil\n\u202egnp\r\x9b"


IMAGE = {"image_bytes": TEXT}
SIGNATURES = [
    signature("encode_png", IMAGE, ["code"]),
    signature("classify_png", IMAGE, ["label", "score"]),
    signature("translate", {"text": TEXT}, ["text"]),
    signature("forecast", {"history": ((-1, -1, 1), FLOAT)}, ["forecast"]),
]


def answer(name: str, inputs: Any) -> dict[str, Any]:
    """Returns answers with control characters."""
    evil = string_array([EVIL.encode() for _ in inputs])
    if name == "encode_png":
        return {"code": np.zeros((len(inputs), 2), np.float32)}
    return {"label": evil, "score": np.full(len(inputs), 0.5)} if name == "classify_png" else {"text": evil}


class Client(FakeClient):
    def forecast(self, name: str, series: Any) -> Any:
        return np.zeros((1, 1, 1))


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the path of an image with control characters in its name. No server is needed."""
    monkeypatch.setattr(files, "connect", lambda values: Client(SIGNATURES, answer))
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
