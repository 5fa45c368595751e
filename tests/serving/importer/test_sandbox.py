"""Tests of the sandbox in separate processes, because a process cannot lift the limits of the sandbox."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PREFACE = """
import marshal, os, pickle, resource, shutil, socket, subprocess, sys, tempfile
from pathlib import Path
from keras_gallery.serving.errors import PermissionDenied
from keras_gallery.serving.importer import sandbox
folder, outside = map(Path, sys.argv[1:])
MEMORY = 4 << 30
"""


def run(program: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "file").write_text("mine")
    done = subprocess.run(
        [sys.executable, "-c", PREFACE + program, str(folder), str(outside)], capture_output=True, text=True
    )
    assert [each.name for each in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == "mine"
    return done


FORBIDDEN = (
    "os.system(f'touch {outside}/canary')",
    "subprocess.run(['touch', outside / 'canary'])",
    "subprocess.run(f'touch {outside}/canary', shell=True)",
    "subprocess.run([sys.executable, '-c', f'open({str(outside / \"canary\")!r}, \"w\")'])",
    "os.posix_spawn('/bin/touch', ['touch', str(outside / 'canary')], {})",
    "os.spawnv(os.P_WAIT, '/bin/touch', ['touch', str(outside / 'canary')])",
    "os.execv('/bin/touch', ['touch', str(outside / 'canary')])",
    "os.fork()",
    "socket.socket()",
    "socket.create_connection(('127.0.0.1', 9))",
    "pickle.loads(b'cos\\nsystem\\n(S\"true\"\\ntR.')",
    "marshal.loads(marshal.dumps(compile('1', '', 'eval')))",
    "open(outside / 'canary', 'w')",
    "open(outside / 'file', 'r+')",
    "os.open(outside / 'canary', os.O_CREAT | os.O_WRONLY)",
    "(outside / 'canary').mkdir()",
    "(outside / 'file').unlink()",
    "(outside / 'file').rename(folder / 'file')",
    "(outside / 'file').chmod(0)",
    "os.truncate(outside / 'file', 0)",
    "os.link(outside / 'file', folder / 'file')",
    "os.symlink(folder, outside / 'canary')",
    "shutil.rmtree(outside)",
    "os.symlink(outside, folder / 'link') or open(folder / 'link' / 'canary', 'w')",
    "open(folder / '..' / 'outside' / 'canary', 'w')",
)


def test_forbidden_actions(tmp_path: Path) -> None:
    program = f"""
sandbox.guard(folder)
for attempt in {FORBIDDEN!r}:
    try:
        exec(attempt)
    except PermissionDenied as error:
        assert str(error).startswith("Forbidden during an import: ")
    else:
        print("not refused:", attempt)
print("done", end="")
"""
    done = run(program, tmp_path)
    assert (done.stdout, done.stderr) == ("done", "")


def test_allowed_actions(tmp_path: Path) -> None:
    """The sandbox allows files in its folder, temporary files, the conversion worker and later imports of modules."""
    program = """
sandbox.guard(folder)
(folder / "a").mkdir()
(folder / "a" / "b").write_text("c")
(folder / "a" / "b").rename(folder / "a" / "d")
shutil.rmtree(folder / "a")
with tempfile.TemporaryDirectory() as temporary:
    assert Path(temporary).parent == folder.resolve()
(outside / "file").read_text()
open(os.devnull, "w").close()
assert pickle.loads(pickle.dumps({"a": [1, 2.0, "x"]})) == {"a": [1, 2.0, "x"]}
import colorsys
worker = subprocess.run([sys.executable, "-P", "-m", sandbox.WORKER], stderr=subprocess.PIPE, text=True)
assert "not enough values to unpack" in worker.stderr  # the worker has started
"""
    done = run(program, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_memory_limit(tmp_path: Path) -> None:
    program = """
sandbox.limit(MEMORY, 60)
import numpy as np
try:
    np.ones(MEMORY // 8 + 1)
except MemoryError:
    print("refused", end="")
"""
    done = run(program, tmp_path)
    assert (done.stdout, done.stderr) == ("refused", "")


def test_limits_cannot_be_lifted(tmp_path: Path) -> None:
    """The process cannot lift the limits. If a lower limit was set before, the lower limit stays."""
    program = """
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
sandbox.limit(MEMORY, 60)
for name in ("DATA", "CPU", "FSIZE", "CORE"):
    soft, hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
    assert soft == hard != resource.RLIM_INFINITY, name
assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
try:
    (folder / "long").write_bytes(bytes(2000))
except OSError as error:
    print(error.strerror, end="")
"""
    done = run(program, tmp_path)
    assert (done.stdout, done.stderr) == ("File too large", "")


def test_export_and_conversion_within_the_limits(small_keras: Path, tmp_path: Path) -> None:
    program = f"""
from keras_gallery.serving.quiet import quiet_import
sandbox.limit(MEMORY, 60)
with quiet_import():
    from keras_gallery.serving.export.writing import export
    from keras_gallery.serving.importer.keras import keras_file
    from keras_gallery.serving.importer.reading.result import Options
sandbox.guard(folder)
(folder / "scratch").mkdir()
found = keras_file.read(Path({str(small_keras)!r}), Options(folder / "scratch"))
place = export(found.model, "small", folder / "models")
assert (place / "assets.extra" / "openvino" / "index.json").is_file()
print(found.description.partition(": ")[2], end="")
"""
    done = run(program, tmp_path)
    assert (done.stdout, done.returncode) == ("Sequential, 2 layers, 23 parameters", 0), done.stderr
