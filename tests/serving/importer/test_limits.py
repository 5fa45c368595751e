"""Tests of the limits that an import sets for its child process. The child processes here import no TensorFlow."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving import landlock, limits
from keras_gallery.serving.errors import FailedPrecondition, ResourceExhausted
from keras_gallery.serving.importer import process, serving_check
from keras_gallery.serving.importer.process import Request, import_file

GIB = 1 << 30


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(limits, "memory", lambda: 64 * GIB)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    (tmp_path / "x.keras").write_bytes(b"a model")
    return tmp_path / "x.keras"


def child(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Runs a Python program instead of the reader of model files. `request` is the request."""
    start = "import json, sys, time; request = json.load(sys.stdin); "
    monkeypatch.setattr(process, "_COMMAND", (sys.executable, "-c", start + program))


def requested(monkeypatch: pytest.MonkeyPatch, request: Request) -> dict[str, Any]:
    """Returns the request that the child process receives."""
    found: list[dict[str, Any]] = []

    def run(request: dict[str, Any], *_: Any) -> None:
        found.append(request)
        raise FailedPrecondition("enough")

    monkeypatch.setattr(process, "_run", run)
    with pytest.raises(FailedPrecondition, match="enough"):
        import_file(request, request.file.parent / "saved_models")
    return found[0]


def test_a_small_file_gets_little_memory_and_time(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got = requested(monkeypatch, Request(file))
    assert 4 * GIB < got["memory"] < 4.5 * GIB
    assert 300 <= got["seconds"] < 301


@pytest.fixture
def filled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes sparse files count like files without holes, so that a test need not write large files."""
    monkeypatch.setattr(process, "_bytes_on_disk", lambda status: status.st_size)


def test_the_holes_of_a_sparse_file_do_not_count(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.truncate(file, 1 << 40)
    got = requested(monkeypatch, Request(file))
    assert got["memory"] < 4.5 * GIB and got["seconds"] < 301


@pytest.mark.usefixtures("filled")
def test_the_size_of_the_file_counts(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.truncate(file, 200 << 20)
    got = requested(monkeypatch, Request(file))
    assert 13 * GIB < got["memory"] < 15 * GIB
    assert 500 <= got["seconds"] < 501
    os.truncate(file, 50 * GIB)
    assert requested(monkeypatch, Request(file))["memory"] == 48 * GIB, "three quarters of the memory"


@pytest.mark.usefixtures("filled")
def test_the_sizes_of_all_files_of_a_folder_count(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = file.with_name("saved_model")
    (folder / "variables").mkdir(parents=True)
    for each in (folder / "saved_model.pb", folder / "variables" / "variables.data-00000-of-00001"):
        each.touch()
        os.truncate(each, 100 << 20)
    (folder / "linked").symlink_to(folder / "saved_model.pb")
    got = requested(monkeypatch, Request(folder))
    assert 500 <= got["seconds"] < 501
    assert requested(monkeypatch, Request(file, like=str(folder)))["seconds"] > 399
    assert requested(monkeypatch, Request(file, like=str(file.with_name("missing"))))["seconds"] < 301


def test_options_change_the_limits(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got = requested(monkeypatch, Request(file, memory=7, seconds=8))
    assert (got["memory"], got["seconds"]) == (7, 8)


def test_a_file_that_takes_too_long(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child process and the processes that it has started are killed, also while the child writes a line."""
    started = file.with_name("started")
    child(
        monkeypatch,
        "import subprocess; inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        f"open({str(started)!r}, 'w').write(str(inner.pid)); print('{{', end='', flush=True); time.sleep(60)",
    )
    begun = time.monotonic()
    with pytest.raises(ResourceExhausted, match=r"^Reading the file takes more than 2 s \(--max-seconds allows more\)"):
        import_file(Request(file, seconds=2), file.parent / "saved_models")
    assert time.monotonic() < begun + 30, "the import must not wait for the processes"
    end = time.monotonic() + 10
    while is_running(int(started.read_text())):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert list((file.parent / "saved_models").iterdir()) == []


def is_running(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_child_process_that_runs_out_of_memory_in_a_library(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child(monkeypatch, 'print("what():  std::bad_alloc", file=sys.stderr); sys.exit(3)')
    with pytest.raises(FailedPrecondition, match=r"status 3, because it needs more than 2.0 GiB of memory \(--max-mem"):
        import_file(Request(file, memory=2 * GIB), file.parent / "saved_models")


def test_a_line_of_progress_that_is_too_long(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MAX_LINE", 1000)
    child(monkeypatch, "sys.stdout.write('x' * 2000); sys.stdout.flush(); time.sleep(60)")
    with pytest.raises(FailedPrecondition, match="ended with signal 9"):
        import_file(Request(file, seconds=30), file.parent / "saved_models")


def test_only_the_end_of_a_log_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_check, "LOG_BYTES", 4)
    (tmp_path / "log").write_text("a long log")
    assert serving_check.last_part(tmp_path / "log") == " log"
    assert serving_check.last_part(tmp_path / "missing") == ""


def test_a_model_that_needs_too_much_memory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "from keras_gallery.serving.importer import worker\n"
        "worker.run = lambda request, report: bytearray(request['memory'])\n"
        "worker.main()"
    )
    monkeypatch.setattr(process, "_COMMAND", (sys.executable, "-c", program))
    with pytest.raises(ResourceExhausted, match=r"^The model needs more than 1.0 GiB of memory \(--max-memory allows"):
        import_file(Request(file, memory=GIB), file.parent / "saved_models")


@pytest.mark.skipif(landlock.version() < 2, reason="needs Landlock of Linux 5.19 or newer")
@pytest.mark.parametrize("trust", [False, True])
def test_libraries_cannot_write_to_other_folders(trust: bool, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit hook does not see what libraries in C do. The system refuses it."""
    written = file.with_name("written")
    program = (
        "import ctypes, sys; from keras_gallery.serving.importer import worker; from pathlib import Path\n"
        "def run(request, report):\n"
        "    inside = str(Path(request['folder'], 'inside'))\n"
        f"    for path in (inside, {str(written)!r}):\n"
        "        report(str(ctypes.CDLL(None).creat(path.encode(), 0o600) >= 0))\n"
        "worker.run = run; worker.main()"
    )
    monkeypatch.setattr(process, "_COMMAND", (sys.executable, "-c", program))
    monkeypatch.setattr(process, "compare", lambda *_, **__: "stop")
    lines: list[str] = []
    with pytest.raises(FileNotFoundError):  # there is no version to publish
        import_file(Request(file, trust=trust), file.parent / "saved_models", report=lines.append)
    assert lines[:2] == ["True", str(trust)]
    assert written.exists() is trust
