"""`gallery doctor FILE|NAME` shows which runtimes can load a model, and what to change for the other runtimes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..serving.doctor.source import defined_names
from ..serving.doctor.verdict import TARGETS, Verdict
from ..serving.printable import printable
from .command import Command
from .progress import loading

_WIDTH = max(map(len, TARGETS.values()))
_BY = {"dl4j": " (by its documentation and source, not run)"}
_MAX_LENGTH = 300  # characters of a line, because a model file may contain names of any length


def _configure(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    parser.add_argument(
        "model", metavar="FILE|NAME", help="a model's file or folder, or an architecture, see gallery list"
    )
    parser.add_argument(
        "--classes",
        action="append",
        default=[],
        metavar="MODULE",
        help="module with the file's own classes, as for gallery import; the doctor reads the names of the classes and "
        "does not run the module; may be repeated",
    )
    parser.add_argument("--runs", default="runs", help="folder of all runs, for NAME (default: runs)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _run(values: argparse.Namespace) -> int:
    given = {name for module in values.classes for name in defined_names(module)}
    what, verdicts = _examined(values.model, values.runs, given)
    engines = engines_of(Path(values.model))
    if values.json:
        content = {"model": what, "targets": [asdict(each) for each in verdicts], "engines": engines}
        print(json.dumps(content, indent=2))
        return 0
    print(shown(what))
    for verdict in verdicts:
        for line in _lines(verdict):
            print(shown(line))
    if engines:
        print("\nEngine of the embedded server for each signature")
    for signature, engine in engines.items():
        print(shown(f"    {signature}: {engine}"))
    return 0


def engines_of(folder: Path) -> dict[str, str]:
    """Returns what a version says about its engines: for each signature, as in the log of the server."""
    from ..serving.engines.openvino.files import FOLDER, read

    index = read(folder / FOLDER)
    return index.described() if index else {}


def _examined(model: str, runs: str, given: Collection[str]) -> tuple[str, list[Verdict]]:
    """Returns a description of the model, and the verdict for each runtime.

    Args:
        model: a model file, or the name of an architecture.
        runs: folder of all runs.
        given: names of the user's own classes and functions.
    """
    path = Path(model)
    if path.exists() or path.suffix or "/" in model:
        from ..serving.importer.examine import examine_file

        return examine_file(path, given)
    from ..models.registry import describe
    from ..serving.doctor.judge import examine

    describe(model)
    if newest := _newest(Path(runs, model)):
        from ..serving.importer.examine import examine_file

        return examine_file(newest)
    return f"{model} with its defaults (no run in {runs})", examine(config_of(model))


def config_of(name: str) -> Mapping[str, Any]:
    """Returns the Keras configuration of an architecture with its default hyperparameters."""
    from ..models import create

    with loading():
        import keras  # noqa: F401
    found: Mapping[str, Any] = json.loads(create(name).to_json())
    return found


def _newest(home: Path) -> Path | None:
    """Returns the model file of the newest run in the folder of an architecture's runs, or None if there is no run."""
    files = [path / "model.keras" for path in home.glob("[0-9]*") if path.name.isdecimal()]
    return max((file for file in files if file.is_file()), key=lambda file: int(file.parent.name), default=None)


def _lines(verdict: Verdict) -> list[str]:
    title = TARGETS[verdict.target].ljust(_WIDTH)
    if verdict.ok:
        return [f"{title}  ok{_BY.get(verdict.target, '')}"]
    more = f" (and {verdict.others} other{'s' if verdict.others > 1 else ''})" if verdict.others else ""
    place = f"{verdict.layer}{more}: " if verdict.layer else ""
    if verdict.classes:
        needed = f"{title}  needs your classes ({', '.join(verdict.classes)})"
        return [needed, f"    {place}{verdict.reason}", f"    → {verdict.remedy}"]
    return [f"{title}  no{_BY.get(verdict.target, '')}", f"    {place}{verdict.reason}", f"    → {verdict.remedy}"]


def shown(line: str) -> str:
    """Returns a line that is safe to print: control characters are escaped, and a long line is cut."""
    safe = printable(line)
    return safe if len(safe) <= _MAX_LENGTH else f"{safe[: _MAX_LENGTH - 1]}…"


COMMAND = Command(
    "check which runtimes can load a model",
    "Checks which runtimes can load a model file, or the newest run of an architecture. If a runtime cannot load the "
    "model, prints the first layer that the runtime does not support, the reason, and what to change. For an exported "
    "version, also prints the engine of each signature in the embedded server, as the log of the server does.",
    [
        "gallery doctor model.keras",
        "gallery doctor vae.keras --classes my_project.vae",
        "gallery doctor gru --json",
        "gallery doctor saved_models/gru/1",
    ],
    _configure,
    _run,
)
