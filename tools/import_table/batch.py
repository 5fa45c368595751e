"""The child process of the table: imports the files of several models, and serves these models with one server.

The arguments are keys of cases. The program writes lines of JSON to stdout: {"start": key} before each import, and
{"key": key, "result": result} for each finished case. A result is one of:

- {"difference": number}: the served model's largest difference from the Keras model
- {"refused": message}: the error message of the import
- {"wrong": message}: different outputs, or an error of the server
- {"skipped": message}: Keras cannot build the model, or cannot write the file format
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

from keras_gallery.serving.client import Client
from keras_gallery.serving.engines.openvino import conversion
from keras_gallery.serving.engines.openvino.conversion_worker import convert
from keras_gallery.serving.engines.openvino.files import read as read_index
from keras_gallery.serving.errors import FailedPrecondition, ServingError
from keras_gallery.serving.importer import process, sandbox, worker
from keras_gallery.serving.importer.reading.causes import named_cause
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.ports import free_port

from .cases import Case, NotInThisVersion, cases
from .comparing import compared
from .models import Prepared, prepare

READY_SECONDS = 600.0
FLAGS = ("--allow_reload=false", "--restrict_models", "--workers=1")
MAX_REASON = 300
_FOLDERS = re.compile(r"(?<![\w/])/(?:[\w.-]+/)+")

Send = Callable[..., None]


def run(chosen: Sequence[Case], send: Send, *, real: bool) -> None:
    """Imports, serves and compares cases. `real`: import in a process of its own, as `gallery import` does."""
    imported: dict[str, Prepared] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "served")
        for number, case in enumerate(chosen):
            send(start=case.key)
            try:
                prepared = prepare(case, Path(folder, f"m{number}"))
            except NotInThisVersion as error:
                send(key=case.key, result={"skipped": _one_line(error)})
                continue
            except Exception as error:
                send(key=case.key, result={"skipped": f"Keras cannot build the model: {named_cause(error)}"})
                continue
            try:
                (import_really if real else import_here)(prepared.request(), root)
                imported[prepared.request().name or ""] = prepared
            except Exception as error:
                text = (
                    _one_line(error)
                    if isinstance(error, ServingError)
                    else f"cannot be exported ({named_cause(error)})"
                )
                send(key=case.key, result={"refused": text})
            gc.collect()
        if imported:
            for key, result in served(imported, root, Path(folder, "log")):
                send(key=key, result=result)


def import_really(request: process.Request, root: Path) -> None:
    """Imports a file as `gallery import` does."""
    process.import_file(request, root, report=lambda line: None)


def import_here(request: process.Request, root: Path) -> None:
    """Imports a file in this process, without the limits on memory, time and files, and without the last comparison.

    The readers, the checks of the configuration, the comparisons and the export are those of `gallery import`. This
    process imports TensorFlow only once for all files.
    """
    root.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as patches:
        patches.enter_context(patch.object(sandbox, "guard", lambda *folders: None))
        patches.enter_context(patch.object(conversion.Converter, "convert_into", _convert_here))
        options = {"file": str(request.file), "save": False, "folder": folder, "memory": 0, "seconds": 0}
        worker.run(asdict(request) | options, lambda line: None)
        target = root / str(request.name)
        target.mkdir()
        Path(folder, "version").rename(target / "1")


def _convert_here(self: conversion.Converter, target: Path, folder: Path) -> Any:
    """Converts a SavedModel for OpenVINO in this process."""
    try:
        convert(folder, ["serve"], target)
    except Exception as error:  # as in the child process: TensorFlow then runs the signatures
        raise FailedPrecondition(f"The conversion for OpenVINO failed: {error}") from error
    return read_index(target)


def served(imported: dict[str, Prepared], root: Path, log: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Serves models with one server. Yields the key and the result of each model."""
    folders = {name: root / name for name in imported}
    ports = {"port": free_port(), "rest_port": free_port()}
    with ServerProcess("embedded", folders, **ports, host="127.0.0.1", flags=FLAGS, log=log) as server:
        try:
            server.wait_until_ready(READY_SECONDS)
        except ServingError as error:  # the other models may be available
            print(error, file=sys.stderr)
        with Client(server.grpc, timeout=120) as client:
            for name, prepared in imported.items():
                try:
                    result = compared(client, name, root / name / "1", prepared)
                except ServingError as error:
                    result = {"wrong": f"The server's error: {_one_line(error)}"}
                yield prepared.case.key, result


def _one_line(error: Exception) -> str:
    """Returns the message of an error in one line, without the folders of this machine."""
    text = " ".join(_FOLDERS.sub("", str(error)).split())
    text = text.partition(" defined at (most recent call last)")[0]  # without TensorFlow's traceback
    return text[:MAX_REASON] or type(error).__name__


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.import_table.batch")
    parser.add_argument("--real", action="store_true", help="import in separate processes, as gallery import does")
    parser.add_argument("keys", nargs="+", metavar="KEY", help="keys of cases")
    values = parser.parse_args()
    found = {case.key: case for case in cases()}
    with os.fdopen(os.dup(1), "w", buffering=1) as lines:
        os.dup2(2, 1)  # send the output of libraries to stderr
        run([found[key] for key in values.keys], lambda **event: print(json.dumps(event), file=lines), real=values.real)
    os._exit(0)  # skip the exit handlers of libraries, which may fail


if __name__ == "__main__":
    main()
