"""The README's commands, run as they stand there, one after another."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from keras_gallery.serving.ports import free_port

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@contextmanager
def serving(command: str, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """`gallery serve …` in another terminal."""
    server = subprocess.Popen(
        ["bash", "-c", "exec " + command], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        line = ""
        while not line.startswith("Serving"):
            line = server.stdout.readline()
            assert line, "the server ended"
        yield
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
        server.stdout.close()


@pytest.mark.models
def test_readme(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    ports = {"8500": str(free_port()), "8501": str(free_port())}
    blocks = BLOCK.findall((ROOT / "README.md").read_text())
    assert {language for language, _ in blocks} == {"sh", "python"}
    with ExitStack() as stack:
        for language, text in blocks:
            for usual, free in ports.items():
                text = text.replace(f":{usual}", f":{free}")
            if text.startswith("gallery serve"):
                text = f"{text.strip()} --port {ports['8500']} --rest-port {ports['8501']}"
                stack.enter_context(serving(text, tmp_path, environment))
                continue
            if text == "make demo\n":
                steps = subprocess.run(
                    ["make", "--dry-run", "demo"], cwd=ROOT, capture_output=True, text=True, check=True
                )
                assert "bin/gallery demo\n" in steps.stdout
                text = "gallery demo"
            # The default server is at the usual port.
            text = text.replace("demo/noisy\n", f"demo/noisy --server localhost:{ports['8500']}\n")
            program = ["bash", "-euc", text] if language == "sh" else [sys.executable, "-c", text]
            done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            if text == "gallery demo":
                lift = re.search(r"PSNR of denoised digits +[\d.]+ dB \(\+([\d.]+)\)", done.stdout)
                assert lift and float(lift[1]) >= 6
                assert (tmp_path / "demo" / "denoised.png").stat().st_size > 10_000
    assert len(list((tmp_path / "demo" / "noisy-denoised").iterdir())) == 10
    assert (tmp_path / "three.npy").is_file()
