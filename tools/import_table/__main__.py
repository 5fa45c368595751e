"""Runs the cases in child processes, records the results in docs/imported.json, and writes docs/imported.md."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .cases import Case, cases
from .page import page, read, summary

SIZES = {"layers": 30, "applications": 2, "tutorials": 15}  # cases of a child process
ENVIRONMENT = os.environ | {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    # One thread for each job: small models gain nothing from more threads.
    **dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1"),
}
_LOCK = threading.Lock()


def batches(chosen: Sequence[Case]) -> Iterator[list[str]]:
    """Yields the keys of each child process."""
    for group, size in SIZES.items():
        keys = [case.key for case in chosen if case.group == group]
        yield from (keys[at : at + size] for at in range(0, len(keys), size))


class Run:
    """Runs cases, and writes each result to docs/imported.json.

    Args:
        docs: folder of the documentation.
        total: number of cases.
        real: whether to import each file as `gallery import` does.
    """

    def __init__(self, docs: Path, total: int, *, real: bool) -> None:
        self._docs, self._total, self._real = docs, total, real
        self._done = 0

    def batch(self, keys: list[str]) -> None:
        """Runs cases in a child process. If the process crashes, runs the other cases in a new process."""
        while keys:
            flags = ["--real"] if self._real else []
            command = [sys.executable, "-m", "tools.import_table.batch", *flags, "--", *keys]
            current = keys[0]
            with tempfile.TemporaryFile("w+", errors="replace") as log:
                with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=ENVIRONMENT) as child:
                    for line in child.stdout or ():
                        event = json.loads(line)
                        current = event.get("start", current)
                        if "key" in event:
                            keys = [each for each in keys if each != event["key"]]
                            self.record(event["key"], event["result"])
                log.seek(0)
                last = log.read().strip().splitlines()[-1:]
            if child.returncode:
                keys = [each for each in keys if each != current]
                self.record(current, {"wrong": f"The process ended with status {child.returncode}: {''.join(last)}"})
            elif keys:
                raise RuntimeError(f"No result for {', '.join(keys)}")

    def record(self, key: str, result: dict[str, Any]) -> None:
        """Records a result, and prints a line."""
        with _LOCK:
            self._done += 1
            print(f"{self._done}/{self._total} {key}: {_text(result)}", file=sys.stderr, flush=True)
            write(read(self._docs) | {key: result}, self._docs)


def write(results: dict[str, dict[str, Any]], docs: Path) -> None:
    """Writes the results to imported.json, and the page with the table to imported.md."""
    text = json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False)
    (docs / "imported.json").write_text(text + "\n", "utf-8")
    (docs / "imported.md").write_text(page(results), "utf-8")


def _text(result: dict[str, Any]) -> str:
    (kind, value), *_ = result.items()
    return f"in, largest difference {value:.1g}" if kind == "difference" else f"{kind}: {value}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.import_table", description=sys.modules[__package__].__doc__)
    parser.add_argument(
        "--only", default="", metavar="PATTERN", help="only the cases whose key contains the text, or fits the pattern"
    )
    parser.add_argument("--missing", action="store_true", help="only the cases that are not recorded as imported yet")
    parser.add_argument("--jobs", type=int, default=2, help="number of child processes at a time (default: 2)")
    parser.add_argument("--real", action="store_true", help="import each file in a process of its own (10 s and more)")
    parser.add_argument("--large", action="store_true", help="also the largest models (minutes and GBs for each)")
    parser.add_argument("--list", action="store_true", help="only print the keys")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="folder of imported.md and imported.json")
    values = parser.parse_args(arguments)
    known = read(values.docs)
    chosen = [
        case
        for case in cases(large=values.large)
        if (values.only in case.key or fnmatchcase(case.key, values.only))
        and not (values.missing and known.get(case.key, {}).keys() & {"difference", "skipped"})
    ]
    if values.list:
        print(*(case.key for case in chosen), sep="\n")
        return
    start = time.monotonic()
    run = Run(values.docs, len(chosen), real=values.real)
    with ThreadPoolExecutor(values.jobs) as pool:
        list(pool.map(run.batch, batches(chosen)))
    results = read(values.docs)
    print(*summary([(case, results[case.key]) for case in chosen if case.key in results]), sep="\n")
    print(f"{len(chosen)} models in {time.monotonic() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
