"""Tests of the `gallery` command: fast commands, errors, and training, exporting and serving a model."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import httpx
import numpy as np
import pytest
from keras_gallery.cli import datasets, serve
from keras_gallery.cli.list import FAMILIES
from keras_gallery.cli.main import main
from keras_gallery.models import describe, list_models
from keras_gallery.serving import launcher
from keras_gallery.serving.client import Client
from keras_gallery.serving.errors import NotFound


def states(client: Client, model: str) -> list[str]:
    try:
        return list(client.status(model).values())
    except NotFound:
        return []


def gallery(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "keras_gallery.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300)


FAST = [
    [],
    ["--help"],
    ["--version"],
    ["list"],
    ["datasets"],
    ["completion", "bash"],
    ["lst"],
    ["train", "--help"],
    ["train", "nobody"],
]


@pytest.mark.parametrize("arguments", FAST)
def test_a_fast_command_imports_no_slow_package(arguments: list[str], tmp_path: Path) -> None:
    code = (
        f"import sys; from keras_gallery.cli.main import main\ntry: main({arguments})\nexcept SystemExit: pass\n"
        "print({'tensorflow', 'keras', 'numpy', 'grpc', 'openvino', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "set()"


def test_choices_of_the_server_equal_the_choices_of_the_launcher() -> None:
    assert serve.KINDS == launcher.KINDS


def test_version() -> None:
    assert gallery("--version").stdout == f"gallery {version('keras-gallery')}\n"


def test_list_has_each_model_below_its_family(tmp_path: Path) -> None:
    blocks = gallery("list", cwd=tmp_path).stdout.split("\n\n")
    families = {block.splitlines()[0]: block.splitlines()[1:] for block in blocks}
    assert list(families) == list(FAMILIES.values())
    for family, title in FAMILIES.items():
        names = [line.split()[0] for line in families[title]]
        assert names == [name for name in list_models() if describe(name).family == family]
    assert sum(map(len, families.values())) == len(list_models())


def test_list_of_a_pattern(tmp_path: Path) -> None:
    lines = gallery("list", "dense*", cwd=tmp_path).stdout.splitlines()
    assert len(lines) == 2 and lines[1].split()[0] == "dense_autoencoder"
    assert gallery("list", "nothing*", cwd=tmp_path).stdout == ""


def test_datasets() -> None:
    from keras_gallery.training import list_datasets

    rows = [line.split(None, 2) for line in gallery("datasets").stdout.partition("\n\n")[0].splitlines()]
    assert [row[0] for row in rows] == list_datasets()
    assert all(summary for *_, summary in rows)
    external = {name for name, source, *_ in rows if source != datasets.INSTALLED}
    assert external == {file.stem for file in datasets.folder().glob("[!_]*.py") if "GALLERY_DATA" in source_of(file)}


def source_of(file: Path) -> str:
    """Returns the source code of a dataset, followed by the source code of `_files.py` if the dataset imports it."""
    text = file.read_text("utf-8")
    return text + (file.parent / "_files.py").read_text("utf-8") if "from ._files import" in text else text


@pytest.mark.models
def test_show() -> None:
    from keras_gallery.training import load_recipes

    output = gallery("show", "denoising_autoencoder").stdout
    info = describe("denoising_autoencoder")
    assert info.summary in output and "x̃ = corrupt(x)" in output and "Lecture notes 003" in output
    assert all("--model." + each.name.replace("_", "-") in output for each in info.hyperparameters)
    assert "Total params: 111,521" in output
    assert all(f"--recipe {name} " in output for name in load_recipes("denoising_autoencoder"))


ERRORS = {
    "misspelled command": (["sevre"], "Unknown command: sevre. Did you mean serve?"),
    "unknown command": (["x"], "Unknown command: x. See: gallery --help"),
    "too many arguments": (["list", "a", "b"], "Unknown argument of gallery list: b. See: gallery list --help"),
    "misspelled model": (["train", "denoising_autoencodr"], "Did you mean denoising_autoencoder"),
    "misspelled option": (
        ["train", "denoising_autoencoder", "--epoch", "3"],
        "Unknown option of gallery train: --epoch. Did you mean --epochs?",
    ),
    "misspelled hyperparameter": (
        ["train", "denoising_autoencoder", "--model.code-dmi", "3"],
        "Did you mean --model.code-dim",
    ),
    "hyperparameter out of range": (
        ["train", "denoising_autoencoder", "--model.code-dim", "0"],
        "Expected code_dim to be an integer",
    ),
    "unknown choice of a hyperparameter": (
        ["train", "denoising_autoencoder", "--model.noise", "pink"],
        "gaussian, masking, salt_and_pepper",
    ),
    "epochs out of range": (
        ["train", "denoising_autoencoder", "--epochs", "0"],
        "Expected epochs to be an integer of at least 1",
    ),
    "misspelled recipe": (["train", "denoising_autoencoder", "--recipe", "mnist_5"], "Did you mean mnist_5k"),
    "batch size out of range": (
        ["train", "gru", "--batch-size", "0"],
        "Expected batch_size to be an integer of at least 1. Received: 0.",
    ),
    "learning rate out of range": (["train", "gru", "--learning-rate", "nan"], "Expected learning_rate to be a number"),
    "seed out of range": (["train", "gru", "--seed", "-1"], "Expected seed to be an integer from 0 to 4294967295"),
    "runs that are not a folder": (["train", "gru", "--runs", "x.txt"], "Cannot write runs to the folder x.txt/gru."),
    "misspelled recipe of results": (["results", "stacked_autoencoder/mnits"], "Did you mean mnist"),
    "invalid seeds": (["results", "--seeds", "a,b"], "Expected --seeds to be numbers such as 0,1,2. Received: a,b"),
    "misspelled dataset": (["train", "denoising_autoencoder", "--dataset", "mnist_5"], "Did you mean mnist_5k"),
    "model without a run": (["export", "sequence_to_vector"], "gallery train sequence_to_vector"),
    "no exported models": (["serve"], "come with Keras Gallery: gallery serve --all"),
    "no server": (["encode", "m", "x.npy", "--server", "localhost:1"], "No model server at localhost:1"),
    "missing input file": (["denoise", "m", "nowhere.png"], "No such file: nowhere.png"),
    "unsupported file format": (
        ["denoise", "m", "x.txt"],
        "Expected a .png, .jpg, .jpeg, .bmp, .gif, .tif, .tiff, .webp, .npy, .csv, .tsv, .parquet file or a folder. "
        "Received: x.txt",
    ),
    "port out of range": (["serve", "--port", "70000"], "Expected a port from 0 to 65535. Received: 70000"),
}
IMPORT_KERAS = (
    *("hyperparameter out of range", "unknown choice of a hyperparameter"),
    *("misspelled recipe of results", "model without a run"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an array file and a text file."""
    np.save(tmp_path / "x.npy", np.zeros((1, 8, 8)))
    (tmp_path / "x.txt").write_text("text")
    return tmp_path


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.models] if case in IMPORT_KERAS else []) for case in ERRORS]
)
def test_an_error_is_one_line_and_writes_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], case: str
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    arguments, message = ERRORS[case]
    assert main(arguments) == 2
    written = capfd.readouterr().err
    *progress, error = written.splitlines()
    assert message in error and error.startswith("gallery: "), written
    assert all(line.endswith(" ...") for line in progress), written
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("case", ["misspelled command", "no server"])
def test_errors_of_the_installed_command(folder: Path, case: str) -> None:
    arguments, message = ERRORS[case]
    done = gallery(*arguments, cwd=folder)
    assert done.returncode == 2, done.stdout + done.stderr
    *progress, error = done.stderr.splitlines()
    assert message in error and error.startswith("gallery: "), done.stderr
    assert all(line.endswith(" ...") for line in progress), done.stderr


@pytest.mark.models
def test_an_error_after_importing_tensorflow_is_one_line(folder: Path) -> None:
    arguments, message = ERRORS["hyperparameter out of range"]
    done = gallery(*arguments, cwd=folder)
    assert done.returncode == 2, done.stdout + done.stderr
    *progress, error = done.stderr.splitlines()
    assert message in error and error.startswith("gallery: "), done.stderr
    assert all(line.endswith(" ...") for line in progress), done.stderr


def gallery_without(package: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs `gallery` in a process in which `package` cannot be imported."""
    code = f"import sys; sys.modules[{package!r}] = None\nfrom keras_gallery.cli.main import main\n"
    program = [sys.executable, "-c", f"{code}sys.exit(main({list(arguments)}))"]
    return subprocess.run(program, capture_output=True, text=True, cwd=cwd)


@pytest.mark.parametrize(
    "arguments", [["train", "gru"], ["show", "gru"], ["export", "gru"], ["results"], ["demo"], ["doctor", "gru"]]
)
def test_error_without_keras_names_the_package_to_install(arguments: list[str], tmp_path: Path) -> None:
    done = gallery_without("keras", *arguments, cwd=tmp_path)
    message = (
        "gallery: The package keras is not installed. In the folder of the project, run: pip install '.[models]'\n"
    )
    assert (done.returncode, done.stderr) == (2, message)


def test_a_missing_package_of_a_reader_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    done = gallery_without("h5py", "doctor", "model.h5", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("gallery: The package h5py is not installed.") and done.stderr.count("\n") == 1


@pytest.mark.models
def test_train_export_serve_and_ctrl_c(tmp_path: Path) -> None:
    options = ["--dataset", "digits", "--epochs", "1", "--model.code-dim", "2", "--model.network", "dense"]
    trained = gallery("train", "denoising_autoencoder", *options, cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert (
        "denoised, PSNR above that of the input" in trained.stdout
        and "Saved in runs/denoising_autoencoder/001" in trained.stdout
    )
    exported = gallery("export", "denoising_autoencoder", "--as", "small", cwd=tmp_path)
    assert exported.returncode == 0, exported.stderr
    assert exported.stdout.startswith("Exported runs/denoising_autoencoder/001 to saved_models/small/1; go on with: ")
    steps = [line.partition(" ")[0] for line in exported.stderr.splitlines() if line.endswith(" ...")]
    assert steps == ["Loading", "Writing", "Comparing", "Converting"], exported.stderr
    assert (tmp_path / "saved_models" / "small" / "1" / "saved_model.pb").is_file()

    command = [sys.executable, "-m", "keras_gallery.cli.main", "serve", "--port", "0", "--rest-port", "0"]
    server = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    assert server.stdout is not None
    try:
        lines = [server.stdout.readline(), server.stdout.readline()]
        name = "tensorflow-model-server" if os.environ.get("TF_MODEL_SERVER") else "embedded"
        assert f"Starting the {name} server" in lines[0]
        assert lines[1].startswith("Serving small: gRPC at localhost:")
        address = lines[1].partition("REST at ")[2].partition(". ")[0]
        if name == "embedded":
            assert server.stdout.readline() == f"Open {address}/ in a browser to see and try the models.\n"
            card = httpx.get(f"{address}/models/small/versions/1/card").json()
            assert card["formula"] == describe("denoising_autoencoder").formula and card["data"] == "digits"
            assert "Learning curve" in [each["title"] for each in card["pictures"]]
            assert card["layers"][0]["type"] == "InputLayer" and len(card["figures"]) > 3
        # A model that is exported under a new name while the server runs is served, too.
        shutil.copytree(tmp_path / "saved_models" / "small", tmp_path / "saved_models" / "new")
        assert server.stdout.readline() == "Serving also new.\n"
        with Client(address) as client:
            until = time.monotonic() + 60
            while "AVAILABLE" not in states(client, "new") and time.monotonic() < until:
                time.sleep(0.1)
            assert states(client, "new") == states(client, "small") == ["AVAILABLE"]
        os.killpg(server.pid, signal.SIGINT)  # Ctrl-C in a terminal interrupts the process group
        assert server.wait(30) == 0
        assert "Stopped." in server.stdout.read()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
