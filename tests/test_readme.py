"""Runs all `sh` and `python` blocks of the README and of three pages of the documentation.

The commands run unchanged, except for the ports and for the epochs of the trainings. All pages share one working folder
and one server. A command that is on several pages runs once.

The commands run without a network and with an empty home folder: nothing of them may need more than this machine.
"""

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

from .watch import Watch

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:.*\\\n)*.+\n")  # a line, with the lines that continue it
PAGES = ("README.md", "docs/start.md", "docs/train.md", "docs/serve.md")
EPOCHS = 8


@contextmanager
def serving(command: str, folder: Path, watch: Watch) -> Iterator[None]:
    """Runs `gallery serve …` in the background, as a user would in another terminal."""
    server = subprocess.Popen(
        [*watch.prefix, "bash", "-c", "exec " + command],
        cwd=folder,
        env=watch.environment,
        stdout=subprocess.PIPE,
        text=True,
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


class Terminal:
    """Runs commands in a working folder. A server that a command starts runs until `stack` is closed."""

    def __init__(self, folder: Path, watch: Watch) -> None:
        self.folder = folder
        self.watch = watch
        self.ports = {"8500": str(free_port()), "8501": str(free_port())}
        watch.environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.stack = ExitStack()
        self.done: set[str] = set()

    def run(self, language: str, block: str) -> None:
        """Runs a Python block or the commands of a shell block. Skips blocks and commands that have already run."""
        for command in [block] if language == "python" else COMMAND.findall(block):
            if command not in self.done:
                self.done.add(command)
                self._run(language, self._adapted(command))

    def _adapted(self, command: str) -> str:
        """Returns the command with free ports in place of the default ports, and with few epochs for trainings."""
        if command == "make demo\n":
            steps = subprocess.run(["make", "--dry-run", "demo"], cwd=ROOT, capture_output=True, text=True, check=True)
            assert "bin/gallery demo\n" in steps.stdout
            return f"gallery demo --epochs {EPOCHS}"
        if command.startswith("gallery train"):
            return f"{command.strip()} --epochs 1"
        for usual, free in self.ports.items():
            command = command.replace(f":{usual}", f":{free}")
        if command.startswith("gallery serve"):
            return f"{command.strip()} --port {self.ports['8500']} --rest-port {self.ports['8501']}"
        if command.startswith("gallery denoise"):  # the default of --server has port 8500
            return f"{command.strip()} --server localhost:{self.ports['8500']}"
        return command

    def _run(self, language: str, text: str) -> None:
        if text.startswith("gallery serve"):
            self.stack.enter_context(serving(text, self.folder, self.watch))
            return
        program = ["bash", "-euc", text] if language == "sh" else [sys.executable, "-c", text]
        done = subprocess.run(
            [*self.watch.prefix, *program],
            cwd=self.folder,
            env=self.watch.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        if text.startswith("gallery demo"):
            lift = re.search(r"PSNR of denoised digits +[\d.]+ dB \(\+([\d.]+)\)", done.stdout)
            assert lift and float(lift[1]) >= 6
            assert (self.folder / "demo" / "denoised.png").stat().st_size > 10_000


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    folder = tmp_path_factory.mktemp("readme")
    with Watch(tmp_path_factory.mktemp("watch"), folder) as watch, (opened := Terminal(folder, watch)).stack:
        opened.run("sh", "make demo\n")  # the pages use the model and the pictures of the demo
        yield opened


@pytest.mark.models
@pytest.mark.parametrize("page", PAGES)
def test_page(terminal: Terminal, page: str) -> None:
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert blocks
    if page != "README.md":
        terminal.run("sh", "gallery serve denoising_autoencoder\n")
    for language, text in blocks:
        terminal.run(language, text)


@pytest.mark.models
def test_files_that_the_commands_write(terminal: Terminal) -> None:
    for page in ("README.md", "docs/serve.md"):
        test_page(terminal, page)
    assert len(list((terminal.folder / "demo" / "noisy-denoised").iterdir())) == 10
    assert (terminal.folder / "three.npy").is_file()


# Files outside of the working folder: the server's cache, and the settings and caches of Keras and matplotlib.
DOCUMENTED = re.compile(
    r"home/(\.cache/keras-gallery/openvino/.*|\.keras/keras\.json|\.(cache|config)/matplotlib/.*)"
    r"|temporary/__pycache__(/__autograph_generated_file.*)?"
)


@pytest.mark.models
def test_nothing_leaves_the_machine(terminal: Terminal) -> None:
    """Training, export, import, the server and the client ask for no other machine, and write where the pages say."""
    for page in ("README.md", "docs/serve.md"):
        test_page(terminal, page)
    terminal.run("sh", "gallery import runs/denoising_autoencoder/001/model.keras --name imported\n")
    terminal.stack.close()  # stops the server
    assert terminal.watch.record() == []
    assert [file for file in terminal.watch.files() if not DOCUMENTED.fullmatch(file)] == []


@pytest.mark.parametrize(
    ("program", "recorded"),
    [
        ("import socket; socket.create_connection(('192.0.2.1', 80))", "'192.0.2.1'"),
        ("import socket; socket.socket().connect(('192.0.2.1', 80))", "socket.connect '192.0.2.1'"),
        ("import socket; socket.gethostbyname('example.org')", "socket.gethostbyname 'example.org'"),
        ("open('{elsewhere}', 'w')", "open '{elsewhere}'"),
        ("import subprocess; subprocess.run(['bash', '-c', '3<>/dev/tcp/192.0.2.1/80'])", "packets: Ip:OutNoRoutes"),
    ],
)
def test_the_watch_notices(program: str, recorded: str, tmp_path: Path) -> None:
    """Otherwise the test above would prove nothing."""
    elsewhere = str(tmp_path / "elsewhere")
    (tmp_path / "watch").mkdir()
    with Watch(tmp_path / "watch") as watch:
        if not watch.prefix and "packets" in recorded:
            pytest.skip("needs network namespaces")
        command = [*watch.prefix, sys.executable, "-c", program.format(elsewhere=elsewhere)]
        subprocess.run(command, env=watch.environment, stderr=subprocess.DEVNULL)
        (line,) = watch.record()
        assert recorded.format(elsewhere=elsewhere) in line


def test_the_readme_has_shell_and_python() -> None:
    blocks = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert {language for language, _ in blocks} == {"sh", "python"}
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
