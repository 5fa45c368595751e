"""Finds out for which systems each dependency has a wheel, and writes the table in docs/platforms.md. Needs uv.

    python -m tools.platforms

A package without a wheel would have to be compiled. The versions are those of constraints.txt.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "platforms.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
PYTHONS = ("3.11", "3.12", "3.13")
SYSTEMS = {  # by uv's name
    "x86_64-manylinux_2_28": "Linux, x86-64 (glibc 2.28 or newer)",
    "aarch64-manylinux_2_35": "Linux, ARM (glibc 2.35 or newer)",
    "aarch64-manylinux_2_28": "Linux, ARM (glibc 2.28)",
    "x86_64-unknown-linux-musl": "Linux with musl (Alpine), x86-64",
    "aarch64-apple-darwin": "macOS 14, Apple silicon",
    "x86_64-apple-darwin": "macOS 14, Intel",
    "x86_64-pc-windows-msvc": "Windows, x86-64",
    "aarch64-pc-windows-msvc": "Windows, ARM",
}
EXTRAS = {"": "server and client", "models": "`models`", "convert": "`convert`"}
HOST = "x86_64-manylinux_2_28"  # has a wheel of everything, so its list of packages is the list to check
SECONDS = 300
MACOS = "14.0"  # the version of macOS for which uv looks for wheels


def main() -> int:
    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(lambda system: "| " + " | ".join(cells(system)) + " |", SYSTEMS))
    head = ["| system | " + " | ".join(EXTRAS.values()) + " |", "|---" * (1 + len(EXTRAS)) + "|"]
    before, _, after = PAGE.read_text().partition(BEGIN)
    _, _, after = after.partition(END)
    PAGE.write_text(before + "\n".join([BEGIN, "", *head, *rows, "", END]) + after)
    return 0


def cells(system: str) -> Iterator[str]:
    """Yields the name of a system, and for each extra what has no wheel."""
    yield SYSTEMS[system]
    for extra in EXTRAS:
        missing = {python: without_wheel(pinned(extra), system, python) for python in PYTHONS}
        names = sorted({name for names in missing.values() for name in names})
        print(f"{system}, {extra or 'server'}: {missing}", file=sys.stderr)
        yield f"no wheel: {', '.join(names)}" if names else "yes"


@functools.cache
def pinned(extra: str) -> tuple[str, ...]:
    """Returns the packages of an extra with their versions, such as "numpy==2.3.0"."""
    options = ["--constraint", str(ROOT / "constraints.txt"), *(["--extra", extra] if extra else [])]
    listed, error = resolve(str(ROOT / "pyproject.toml"), HOST, PYTHONS[0], *options)
    if error:
        raise SystemExit(f"uv cannot resolve the packages of {extra or 'the server'} for {HOST}: {error}")
    return tuple(re.findall(r"^[A-Za-z0-9_.-]+==\S+", listed, re.MULTILINE))


def without_wheel(packages: tuple[str, ...], system: str, python: str) -> list[str]:
    """Returns the names of the packages that have no wheel for a system. uv names one at a time."""
    left, found = list(packages), []
    while True:
        with tempfile.NamedTemporaryFile("w", suffix=".in") as file:
            file.write("\n".join(left))
            file.flush()
            _, error = resolve(file.name, system, python, "--no-deps")
        if not error:
            return found
        named = re.search(r"Because (\S+?)==\S+ has no (?:usable )?wheels", " ".join(error.split()))
        if named is None:
            raise SystemExit(f"uv failed for {system} and Python {python}: {error}")
        found.append(named[1])
        left = [each for each in left if each.partition("==")[0] != named[1]]


def resolve(source: str, system: str, python: str, *options: str) -> tuple[str, str]:
    """Returns the packages that uv chooses, one in a line, and its error message, which is "" if there is no error."""
    command = ["uv", "pip", "compile", source, "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:"]
    command += ["--python-platform", system, "--python-version", python, *options]
    environment = os.environ | {"MACOSX_DEPLOYMENT_TARGET": MACOS}
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment)
    return done.stdout, done.stderr if done.returncode else ""


if __name__ == "__main__":
    sys.exit(main())
