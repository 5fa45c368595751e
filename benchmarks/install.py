"""Measures the size of an installation in a new virtual environment, and the seconds that pip takes.

    python benchmarks/install.py [--extras "" models] [--no-compile]

The size is that of `site-packages`, without pip and setuptools. `--no-compile` leaves out the files `.pyc`, which
Python writes at the first start. The seconds include the download, so they depend on the network and on pip's cache.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHOWN = 6  # the largest packages
INSTALLERS = ("pip", "setuptools", "pkg_resources", "_distutils_hack")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--extras", nargs="*", default=["", "models"], help='extras to install (default: "" and models)'
    )
    parser.add_argument("--no-compile", action="store_true", help="without the files .pyc")
    values = parser.parse_args()
    for extras in values.extras:
        with tempfile.TemporaryDirectory() as folder:
            venv.create(folder, with_pip=True)
            seconds = install(Path(folder), extras, ["--no-compile"] if values.no_compile else [])
            sizes = dict(packages(Path(folder)))
        largest = sorted(sizes, key=lambda name: -sizes[name])[:SHOWN]
        print(f".[{extras}]: {sum(sizes.values()):,.0f} MB in {seconds:.0f} s: ", end="")
        print(", ".join(f"{name} {sizes[name]:.0f}" for name in largest))
    return 0


def install(folder: Path, extras: str, options: list[str]) -> float:
    """Installs the project into a virtual environment. Returns the seconds."""
    target = f"{ROOT}[{extras}]" if extras else str(ROOT)
    constraints = str(ROOT / "constraints.txt")
    command = [str(folder / "bin" / "pip"), "install", "--quiet", *options, "--constraint", constraints, target]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - started


def packages(folder: Path) -> Iterator[tuple[str, float]]:
    """Yields the name and the megabytes (10⁶ bytes) of everything in `site-packages` but the installers."""
    for place in folder.glob("lib/python*/site-packages/*"):
        if not place.name.startswith(INSTALLERS):
            files = place.rglob("*") if place.is_dir() else [place]
            yield place.name, sum(file.stat().st_size for file in files if file.is_file()) / 1e6


if __name__ == "__main__":
    sys.exit(main())
