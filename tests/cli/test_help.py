"""Tests of the help of `gallery` and of its commands, and of the completion in shells."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from keras_gallery.cli.commands import COMMANDS, load
from keras_gallery.cli.main import main
from keras_gallery.cli.parsing import WIDTH, build_parser
from keras_gallery.models import describe, list_models


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    help_text = capsys.readouterr().out
    names = [line.split()[0] for line in help_text.splitlines() if re.match("    [a-z]", line)]
    assert names == list(COMMANDS) and "gallery demo" in help_text
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0 and capsys.readouterr().out == help_text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_description_and_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    help_text = capsys.readouterr().out
    command = load(name)
    assert end.value.code == 0
    assert command.description.endswith(".") and command.description.split()[0] in help_text
    assert command.examples and all(f"    {example}\n" in help_text for example in command.examples)
    assert all(len(line) <= WIDTH for line in help_text.splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described(name: str) -> None:
    options = build_parser([name]).children[name]._actions
    assert all(option.help for option in options)


@pytest.mark.parametrize("example", [example for name in COMMANDS for example in load(name).examples])
def test_every_example_is_a_valid_command_line(example: str) -> None:
    command = re.search(r"gallery ([^<>)#]+)", example)
    assert command
    name, *arguments = shlex.split(command[1])
    values, unknown = build_parser([name]).parse_known_args([name, *arguments])
    assert values.execute is load(name).run
    assert unknown == (["--model.hidden", "64,32"] if "--model.hidden" in arguments else [])


@pytest.mark.models
def test_the_help_of_train_describes_the_hyperparameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert describe("mlp_classifier").parameters == tuple(
        each.name for each in describe("mlp_classifier").hyperparameters
    )
    with pytest.raises(SystemExit):
        main(["train", "mlp_classifier", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--model.hidden VALUE" in text and "default: " in text.partition("--model.hidden")[2]


COMPLETIONS = {
    "gallery ta": {"tag"},
    "gallery tr": {"train", "translate"},
    "gallery --v": {"--version"},
    "gallery train dense": {"dense_autoencoder"},
    "gallery show ": set(list_models()),
    "gallery train gru --ep": {"--epochs"},
    "gallery train gru --model.code-d": {"--model.code-dim"},
    "gallery train gru --dataset mnist": {"mnist", "mnist_5k"},
    "gallery train gru --recipe mnist_5k_m": {"mnist_5k_masking"},
    "gallery export gru --to o": {"onnx", "openvino"},
    "gallery denoise m dig": {"digit.png"},
    "gallery embed m dig": {"digit.png"},
    "gallery serve --saved-models sa": {"saved"},
    "gallery completion ": {"bash", "zsh", "fish"},
}


def test_completion_in_bash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digit.png").touch()
    Path("saved").mkdir()
    Path("saved.txt").touch()
    assert main(["completion", "bash"]) == 0
    Path("completion.bash").write_text(capsys.readouterr().out)
    Path("program").write_text(
        "source ./completion.bash\ncomplete -p gallery >&2\n"
        'complete_line() { read -ra COMP_WORDS <<< "$1"; [[ $1 == *" " ]] && COMP_WORDS+=("")\n'
        'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=(); _shtab_gallery; echo "${COMPREPLY[@]}"; }\n'
        + "".join(f"complete_line {shlex.quote(line)}\n" for line in COMPLETIONS)
    )
    done = subprocess.run(["bash", "--norc", "program"], capture_output=True, text=True, timeout=60)
    assert done.stderr.startswith("complete ") and done.stderr.count("\n") == 1, done.stderr
    found = [set(line.split()) for line in done.stdout.splitlines()]
    assert dict(zip(COMPLETIONS, found, strict=True)) == COMPLETIONS


@pytest.mark.parametrize(("shell", "start"), [("zsh", "#compdef gallery"), ("fish", "# ")])
def test_completion_in_other_shells(shell: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert script.startswith(start) and "dense_autoencoder" in script and "colorize" in script
