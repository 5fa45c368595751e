"""Tests how the child process of a conversion ends with its parent process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_CHILD = """
import sys, threading, time
from keras_gallery.serving.engines.openvino.conversion_worker import end_with_parent
threading.Thread(target=end_with_parent, args=(sys.argv[1],), daemon=True).start()
print("started", flush=True)
time.sleep(60)
"""


def test_the_child_ends_with_its_parent_and_removes_its_files(tmp_path: Path) -> None:
    target = tmp_path / ".partial-1"
    (target / "folder").mkdir(parents=True)
    (target / "folder" / "file").write_text("unfinished")
    command = [sys.executable, "-c", _CHILD, str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin and child.stdout
        assert child.stdout.readline() == b"started\n"
        assert target.exists()
        child.stdin.close()  # as the end of the parent process does
        assert child.wait(30) == 1
    assert not target.exists()
