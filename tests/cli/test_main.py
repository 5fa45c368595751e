"""The `gallery` command as a person meets it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from keras_gallery.cli.main import COMMANDS
from keras_gallery.models import describe, list_models
from keras_gallery.training import load_recipes


def gallery(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "keras_gallery.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300)


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["lst"], ["train", "nobody"]])
def test_what_should_be_instant_imports_nothing_slow(arguments: list[str]) -> None:
    code = (
        f"import sys; from keras_gallery.cli.main import main\ntry: main({arguments})\nexcept SystemExit: pass\n"
        "print({'tensorflow', 'keras', 'openvino', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_help_names_every_command() -> None:
    done = gallery("--help")
    assert done.returncode == 0
    named = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("    ") and line[4] != " "]
    assert named == list(COMMANDS)


def test_list_and_its_pattern() -> None:
    assert [line.split()[0] for line in gallery("list").stdout.splitlines()] == list_models()
    assert gallery("list", "dense*").stdout.split()[0] == "dense_autoencoder"


def test_show_tells_all() -> None:
    shown = gallery("show", "denoising_autoencoder").stdout
    info = describe("denoising_autoencoder")
    assert info.summary in shown and "x̃ = corrupt(x)" in shown and "Notes 003" in shown
    assert all("--model." + each.name.replace("_", "-") in shown for each in info.hyperparameters)
    assert "Total params: 111,521" in shown
    assert all(f"--recipe {name} " in shown for name in load_recipes("denoising_autoencoder"))


ERRORS = {
    "a command": (["sevre"], "Expected a command: list, show"),
    "the command meant": (["sevre"], "Did you mean serve?"),
    "a model": (["train", "denoising_autoencodr"], "Did you mean denoising_autoencoder"),
    "an option": (["train", "denoising_autoencoder", "--epoch", "3"], "did you mean --epochs?"),
    "a hyperparameter": (["train", "denoising_autoencoder", "--model.code-dmi", "3"], "did you mean --model.code-dim"),
    "its range": (["train", "denoising_autoencoder", "--model.code-dim", "0"], "Expected code_dim to be an integer"),
    "its choices": (["train", "denoising_autoencoder", "--model.noise", "pink"], "gaussian, masking, salt_and_pepper"),
    "epochs": (["train", "denoising_autoencoder", "--epochs", "0"], "Expected epochs to be an integer of at least 1"),
    "a recipe": (["train", "denoising_autoencoder", "--recipe", "mnist_5"], "Did you mean mnist_5k"),
    "results of a recipe": (["results", "stacked_autoencoder/mnits"], "Did you mean mnist"),
    "seeds of results": (["results", "--seeds", "a,b"], "Expected --seeds to be numbers such as 0,1,2. Received: a,b"),
    "a dataset": (["train", "denoising_autoencoder", "--dataset", "mnist_5"], "Did you mean mnist_5k"),
    "a run": (["export", "denoising_autoencoder"], "gallery train denoising_autoencoder"),
    "an exported model": (["serve"], "Expected exported models in saved_models: at least one. Received: none"),
    "a server": (["encode", "m", "x.npy", "--server", "localhost:1"], "No model server at localhost:1"),
    "an input": (["denoise", "m", "nowhere.png"], "nowhere.png. Received: no such file"),
    "a kind of file": (["denoise", "m", "x.txt"], "Received: a .txt"),
    "a port": (["serve", "--port", "70000"], "Expected a port from 0 to 65535. Received: 70000"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_are_one_line_and_leave_nothing(tmp_path: Path, case: str) -> None:
    import numpy as np

    np.save(tmp_path / "x.npy", np.zeros((1, 8, 8)))
    (tmp_path / "x.txt").write_text("text")
    before = sorted(tmp_path.rglob("*"))
    arguments, message = ERRORS[case]
    done = gallery(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_train_export_serve_and_ctrl_c(tmp_path: Path) -> None:
    options = ["--dataset", "digits", "--epochs", "1", "--model.code-dim", "3", "--model.network", "dense"]
    trained = gallery("train", "denoising_autoencoder", *options, cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert "psnr_lift" in trained.stdout and "Kept in runs/denoising_autoencoder/001" in trained.stdout
    exported = gallery("export", "denoising_autoencoder", "--as", "small", cwd=tmp_path)
    assert exported.returncode == 0, exported.stderr
    assert (tmp_path / "saved_models" / "small" / "1" / "saved_model.pb").is_file()

    command = [sys.executable, "-m", "keras_gallery.cli.main", "serve", "small", "--port", "0", "--rest-port", "0"]
    server = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    assert server.stdout is not None
    try:
        lines = [server.stdout.readline(), server.stdout.readline()]
        kind = "tensorflow-model-server" if os.environ.get("TF_MODEL_SERVER") else "embedded"
        assert f"Starting the {kind} server" in lines[0]
        assert lines[1].startswith("Serving small: gRPC at localhost:")
        time.sleep(0.2)
        os.killpg(server.pid, signal.SIGINT)  # as a terminal does
        assert server.wait(30) == 0
        assert "Stopped." in server.stdout.read()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
