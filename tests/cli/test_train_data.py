"""Tests of the options of `gallery train` for a user's own data."""

from __future__ import annotations

from pathlib import Path

import pytest
from keras_gallery.cli import train_data
from keras_gallery.cli.main import main
from keras_gallery.cli.parsing import Parser
from keras_gallery.training.sources.source import OPTIONS, Source


def read(*arguments: str) -> Source | None:
    parser = Parser()
    train_data.add(parser)
    return train_data.read(parser.parse_args(arguments))


def test_options() -> None:
    got = read("--data", "x.csv", "--target", "a", "b", "--test-share", "0.3", "--missing", "?", "--size", "32x64")
    assert got == Source("x.csv", target=("a", "b"), test_share=0.3, missing="?", size=(32, 64))
    assert read("--data", "x", "--size", "32", "--strict") == Source("x", size=(32, 32), strict=True)
    assert read() is None


def test_each_option_of_a_source_is_an_option_of_the_command() -> None:
    parser = Parser()
    train_data.add(parser)
    assert {action.dest for action in parser._actions} - {"help", "data"} == set(OPTIONS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mlp_classifier", "--target", "a"), "The option --target needs --data."),
        (("mlp_classifier", "--data", "x.csv", "--size", "32x"), "Expected a size such as 64x64. Received: 32x"),
        (("mlp_classifier", "--data", "none.csv", "--target", "a"), "There is no file or folder none.csv."),
        (("mlp_classifier", "--data", "x.xlsx", "--target", "a"), "The format of x.xlsx is not supported."),
        (("convnet", "--data", "x.csv", "--target", "a"), "convnet takes pictures of classes: a folder"),
        (("gru", "--data", "x.txt"), "gru takes a time series (CSV, TSV, Parquet, NPY)"),
        (("gru", "--data", "x.csv", "--text", "a"), "The option text has no effect on the data of gru"),
    ],
)
def test_errors(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("x.csv", "x.xlsx", "x.txt"):
        Path(name).write_text("a,b\n1,2\n")
    assert main(["train", *arguments]) != 0
    assert message in capsys.readouterr().err
