"""Tests of reading the index of the OpenVINO files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving import saved_model
from keras_gallery.serving.engines.openvino.files import FOLDER, OpenVinoFiles


def index(**values: Any) -> str:
    entry = {"file": "a.xml", "limit": 1, **values}
    return json.dumps({"fingerprint": "same", "signatures": {"s": entry}, "reasons": {}, "complete": True})


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "\xff",
        "[]",
        index(least=float("inf")),
        index(limit="9" * 5000),
        index(file="a\0.xml"),
        index(file="\ud800.xml"),
        index(file="a" * 5000),
        index(file=".."),
        index(file=""),
    ],
    ids=["deep", "not UTF-8", "list", "infinite", "number", "NUL", "surrogate", "long", "parent", "empty"],
)
def test_a_damaged_index_is_ignored(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(saved_model, "fingerprint", lambda folder: "same")
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "index.json").write_text(text, "latin-1")
    assert OpenVinoFiles(tmp_path / "cache").of(tmp_path) is None
    assert len(caplog.records) == 1
