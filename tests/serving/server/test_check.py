"""Tests `gallery-model-server --check`: it loads the models, says what it found, and ends."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ...hardening.line_model import write

COMMAND = (sys.executable, "-m", "keras_gallery.serving.server.model_server", "--check")


def check(*flags: str) -> tuple[int, list[str], str]:
    """Runs the check. Returns the exit status, the lines on standard output, and standard error."""
    done = subprocess.run([*COMMAND, *flags], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.splitlines(), done.stderr


def config(folder: Path, *names: str) -> str:
    file = folder / "models.config"
    platform = 'model_platform: "tensorflow"'
    models = "".join(f'config {{ name: "{name}" base_path: "{folder / name}" {platform} }}\n' for name in names)
    file.write_text(f"model_config_list {{ {models} }}")
    return f"--model_config_file={file}"


def test_models_that_can_be_served(tmp_path: Path) -> None:
    """The ports may be in use, by a server with the same flags."""
    write(tmp_path / "line" / "1")
    write(tmp_path / "line" / "3")
    before = sorted(tmp_path.rglob("*"))
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = f"--port={other.getsockname()[1]}"
        found = check(port, "--model_name=line", f"--model_base_path={tmp_path / 'line'}")
    assert found[:2] == (0, ["line version 3: AVAILABLE"])
    assert sorted(tmp_path.rglob("*")) == before


def test_models_that_cannot_be_served(tmp_path: Path) -> None:
    write(tmp_path / "line" / "1")
    (tmp_path / "broken" / "7").mkdir(parents=True)
    (tmp_path / "broken" / "7" / "saved_model.pb").write_bytes(b"\x1b[31m")
    (tmp_path / "empty").mkdir()
    status, lines, _ = check(config(tmp_path, "line", "broken", "empty"))
    assert status == 1
    assert lines[1:] == ["empty: no version", "line version 1: AVAILABLE"]
    assert lines[0].startswith("broken version 7: ") and "AVAILABLE" not in lines[0] and "\x1b" not in lines[0]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--model_nam=x",), "unknown argument: --model_nam=x (did you mean --model_name?)"),
        (("--model_config_file=/no/such/file",), "/no/such/file"),
        (("--model_base_path=/m", "--enable_batching", "--batching_parameters_file=/no/such"), "/no/such"),
    ],
    ids=["flag", "config", "batching"],
)
def test_wrong_flags_and_files(flags: tuple[str, ...], message: str) -> None:
    status, lines, errors = check(*flags)
    assert (status, lines) == (2, []) and message in errors and "Traceback" not in errors
