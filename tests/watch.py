"""Runs programs without a network, and records what they ask of it and which files they write elsewhere.

Python code is watched by an audit hook in each process (`sitecustomize`). It refuses name resolution and connections to
other machines. Native code runs in a network namespace that has only the loopback interface; the kernel counts packets
that it cannot send. Without rights to make such a namespace, only Python code is watched.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[1]
HOOK = """
import os, sys
RECORD = os.open({record!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
WRITABLE = {writable!r}
LOCAL = (None, "", "localhost", "127.0.0.1", "::1", b"localhost", b"127.0.0.1", b"::1")
RESOLVE = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
CONNECT = ("socket.connect", "socket.sendto", "socket.sendmsg")
CHANGE = {{"os.mkdir": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1, "os.remove": 0, "os.truncate": 0}}

def note(event, what):
    os.write(RECORD, f"{{event}} {{what!r}} by {{' '.join(sys.argv)[:200]!r}}\\n".encode())

def check_path(event, path):
    if isinstance(path, (str, bytes)):
        real = os.path.realpath(os.fsdecode(path))
        if not any(real == place or real.startswith(place + "/") for place in WRITABLE):
            note(event, real)

def hook(event, arguments):
    if event in RESOLVE or event in CONNECT:
        target = arguments[0] if event in RESOLVE else arguments[1]
        host = target[0] if isinstance(target, tuple) else target if event in RESOLVE else None
        if host not in LOCAL:
            note(event, host)
            raise OSError(f"no network in this test: {{host}}")
    elif event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        check_path(event, arguments[0])
    elif event in CHANGE:
        check_path(event, arguments[CHANGE[event]])

sys.addaudithook(hook)
"""
# Turns the loopback interface on (SIOCSIFFLAGS, IFF_UP), then waits until the test ends.
HOLD = """
import fcntl, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any:
    fcntl.ioctl(any, 0x8914, struct.pack("16sh14x", b"lo", 1))
print("up", flush=True)
sys.stdin.read()
"""


class Watch:
    """The environment of the watched programs, and the record of what they did.

    Args:
        folder: an empty folder for the home folder, the folder of temporary files, and the record.
        writable: other folders in which the programs may write.

    Attributes:
        environment: the environment of the programs. The home folder is empty, and `CI` is not set.
        prefix: the beginning of the command line of the programs.
    """

    def __init__(self, folder: Path, *writable: Path) -> None:
        self.home, self.temporary = folder / "home", folder / "temporary"
        self._record = folder / "record"
        hook = folder / "hook"
        for each in (self.home, self.temporary, hook):
            each.mkdir()
        # Python writes compiled modules next to the sources, and programs write to the terminal.
        places = [self.home, self.temporary, self._record, ROOT, sys.prefix, "/dev", "/proc/self", *writable]
        text = HOOK.format(record=str(self._record), writable=[os.path.realpath(each) for each in places])
        (hook / "sitecustomize.py").write_text(text)
        unset = ("CI", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "KERAS_HOME", "MPLCONFIGDIR")
        self.environment = {name: value for name, value in os.environ.items() if name not in unset} | {
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(hook),
        }
        self.prefix: list[str] = []
        self._holder: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        if sys.platform == "linux":
            self._make_namespace()
        return self

    def _make_namespace(self) -> None:
        command = ["unshare", "--map-root-user", "--net", sys.executable, "-c", HOLD]
        try:
            holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        except FileNotFoundError:
            return
        assert holder.stdout is not None
        if holder.stdout.readline() == "up\n":
            self.prefix = ["nsenter", f"--target={holder.pid}", "--user", "--net", "--preserve-credentials"]
        self._holder = holder

    def __exit__(self, *_: object) -> None:
        if self._holder:
            self._holder.communicate()

    def record(self) -> list[str]:
        """Returns a line for each forbidden action, and for each kind of packet that left no trace but in a counter."""
        lines = self._record.read_text().splitlines() if self._record.exists() else []
        return lines + [f"{count} packets: {name}" for name, count in self._packets().items() if count]

    def _packets(self) -> dict[str, int]:
        """Returns the kernel's counts of packets to other machines, and of datagrams to closed ports (such as DNS)."""
        if not self.prefix or not self._holder:
            return {}
        network = Path(f"/proc/{self._holder.pid}/net")
        counts = {}
        lines = [line.split() for line in (network / "snmp").read_text().splitlines()]
        for names, values in zip(lines[::2], lines[1::2], strict=True):
            counts |= {names[0] + name: int(value) for name, value in zip(names[1:], values[1:], strict=True)}
        for line in (network / "snmp6").read_text().splitlines() if (network / "snmp6").exists() else ():
            name, value = line.split()
            counts[name] = int(value)
        wanted = ("Ip:OutNoRoutes", "Udp:NoPorts", "Ip6OutNoRoutes", "Udp6NoPorts")
        return {name: counts[name] for name in wanted if name in counts}

    def files(self) -> list[str]:
        """Returns the files that the programs left in the home folder and in the folder of temporary files."""
        found = [*self.home.rglob("*"), *self.temporary.rglob("*")]
        return sorted(str(each.relative_to(self.home.parent)) for each in found if not each.is_dir())
