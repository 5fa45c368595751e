"""Tests of the lines that `gallery train` and `gallery tune` print at the end. Nothing is trained."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from keras_gallery.cli.main import main

from keras_gallery import api


@pytest.mark.parametrize("is_interrupted", [True, False])
@pytest.mark.parametrize(
    ("options", "ending"),
    [([], ""), (["--runs", "runs"], ""), (["--runs", "my runs"], " --runs 'my runs'")],
    ids=["no option", "the default", "another folder"],
)
def test_the_next_command_has_the_folder_of_the_runs(
    options: list[str],
    ending: str,
    is_interrupted: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    metrics = {"accuracy": 0.5, "parameters": 10}
    run = SimpleNamespace(
        config={"task": "classify"}, metrics=metrics, preparation=None, interrupted=is_interrupted, folder=Path("f")
    )
    monkeypatch.setattr(api, "train", lambda *_, **__: run)
    monkeypatch.chdir(tmp_path)
    assert main(["train", "mlp_classifier", *options]) == (130 if is_interrupted else 0)
    last = capsys.readouterr().out.splitlines()[-1]
    if is_interrupted:
        assert last == f"Go on with the training: gallery train mlp_classifier --resume{ending}"
    else:
        assert last == f"Saved in f; go on with: gallery export mlp_classifier{ending}"
