"""Fuzzes the code that reads bytes from clients and files. The search for new inputs is guided by coverage.

    pip install atheris
    python -m tools.fuzz --seconds 60            # all targets
    python -m tools.fuzz predict --seconds 600   # one target of tools/fuzz_targets.py

The inputs that reach new code are kept in `tests/hardening/corpus/`, and `tests/hardening/test_corpus.py` runs them
again. If an input causes an error, the program prints the error and the input, and keeps the input.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

MAX_KEPT = 300  # inputs of a target


def search(target: str, folder: Path, seconds: int) -> None:
    """Searches for inputs in this process, which ends then. atheris is installed only for this program."""
    import atheris

    with atheris.instrument_imports(include=["keras_gallery"]):
        from . import fuzz_targets
    function, _ = fuzz_targets.TARGETS[target]
    options = [f"-max_total_time={seconds}", f"-max_len={fuzz_targets.MAX_BYTES}", "-timeout=10", "-rss_limit_mb=2000"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", "-print_final_stats=1", str(folder)], function)
    atheris.Fuzz()


def fuzz(target: str, seconds: int) -> bool:
    """Fuzzes a target in another process, and keeps its inputs. Returns whether no input caused an error."""
    from . import fuzz_targets

    with tempfile.TemporaryDirectory() as folder:
        known = [*fuzz_targets.corpus(target), *fuzz_targets.TARGETS[target][1]]
        for number, data in enumerate(known):
            (Path(folder) / str(number)).write_bytes(data)
        command = [sys.executable, "-m", "tools.fuzz", target, "--seconds", str(seconds), "--in-folder", folder]
        done = subprocess.run(command)
        found = [file.read_bytes() for file in Path(folder).iterdir()]
    new = sorted(set(found) - set(known), key=len)
    fuzz_targets.keep(target, known + new[: max(0, MAX_KEPT - len(known))])
    print(f"{target}: {len(new)} new inputs, exit status {done.returncode}")
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", help="a key of TARGETS in tools/fuzz_targets.py (default: all)")
    parser.add_argument("--seconds", type=int, default=60, help="time for each target (default: 60)")
    parser.add_argument("--in-folder", type=Path, help=argparse.SUPPRESS)
    values = parser.parse_args()
    if values.in_folder:
        search(values.target, values.in_folder, values.seconds)
    from . import fuzz_targets

    targets = [values.target] if values.target else list(fuzz_targets.TARGETS)
    results = [fuzz(each, values.seconds) for each in targets]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
