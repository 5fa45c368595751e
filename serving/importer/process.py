"""Imports a model file in a child process with limits on memory and time. The parent process never reads the file."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import limits
from ..errors import FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted, from_code
from ..export.publishing import model_folder, publish
from ..wire.signature import PIXELS
from .progress import Progress
from .reading.causes import cause
from .serving_check import compare, last_part
from .time_limit import kill, killed_after

# Importing TensorFlow and compiling a graph need about 2 GB, and some memory for the threads of each core.
BASE_MEMORY, MEMORY_OF_A_CORE = 4 << 30, 64 << 20
MEMORY_RATIO = 50  # bytes for each byte of the file, which may be compressed
MEMORY_SHARE = 0.75  # maximum share of the machine's memory
BASE_SECONDS = 300
MAX_FILES = 10_000  # files in a folder whose sizes count
MAX_LINE = 1 << 20  # bytes of a line of progress

# -P: do not import modules from the working directory, which may come with the untrusted file.
_COMMAND = (sys.executable, "-P", "-m", "keras_gallery.serving.importer.worker")
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "GALLERY_NODE_MODULES", "SYSTEMROOT")


@dataclass(frozen=True)
class Request:
    """The file to import, and the options of the import.

    Attributes:
        file: the file, or the folder of a SavedModel or a TensorFlow.js model.
        name: model name in requests. By default, it is derived from the file's name.
        trust: whether code in the file is allowed to run.
        classes: modules to import. They register the model's custom classes.
        like: the model that a weights-only file belongs to. Either a file, or (module, name) for
            `module.create(name)`.
        encoder: layer whose output is the code of an autoencoder.
        decoder: layer whose input is the code of an autoencoder.
        whole: whether the model gets only the signature `serving_default`, with its own inputs and outputs.
        labels: names of the classes of a classifier.
        pixels: which pixel values a model of images expects: "0..255", "0..1" or "-1..1". By default, the first layers
            of the model say it. If they do not, the model gets no signatures for PNG and JPEG files.
        save: path of a new .keras file for the rebuilt model, or None.
        memory: bytes that each process of the import may allocate. By default, `BASE_MEMORY` and `MEMORY_RATIO`
            bytes for each byte of the file, but not more than `MEMORY_SHARE` of the memory.
        seconds: longest time for reading the file, and exporting and testing the model. By default, `BASE_SECONDS` and
            one second for each MiB of the file.
    """

    file: Path
    name: str | None = None
    trust: bool = False
    classes: Sequence[str] = ()
    like: str | tuple[str, str] | None = None
    encoder: str | None = None
    decoder: str | None = None
    whole: bool = False
    labels: Sequence[str] | None = None
    pixels: str | None = None
    save: Path | None = None
    memory: int | None = None
    seconds: float | None = None


def import_file(
    request: Request,
    root: str | Path = "saved_models",
    version: int | None = None,
    report: Callable[[str], None] = print,
) -> Path:
    """Imports a model file as a new version of a model.

    If the import fails, it leaves no files in `root`.

    Args:
        request: the file and the options.
        root: folder of the served models.
        version: version number; by default the next free one.
        report: called with each line of progress, at least every few seconds, also in another thread.

    Returns:
        The folder of the new version. A server that serves `root` loads the version without a restart.

    Raises:
        NotFound: the file does not exist.
        InvalidArgument: the name is not valid, the version exists, or the model has no layer of the given name.
        PermissionDenied: the file would run code, or refers to other files.
        FailedPrecondition: the file cannot be read, or the results of the exported model and of the file differ.
        ResourceExhausted: the model is too large, or the import needs too much memory or time.
    """
    if not request.file.exists():
        raise NotFound(f"No such file or folder: {request.file}")
    if request.save and (request.save.suffix != ".keras" or request.save.exists()):
        raise InvalidArgument(f"Expected --save to be a new file that ends in .keras. Received: {request.save}")
    if request.whole and (request.encoder or request.decoder or request.labels):
        raise InvalidArgument("--whole cannot be combined with --encoder, --decoder and --labels")
    if request.pixels not in (None, *PIXELS):
        raise InvalidArgument(f"Expected pixel values of {', '.join(PIXELS)}. Received: {request.pixels}")
    name = request.name or _name(request.file)
    root = Path(root)
    base = model_folder(root, name, version)
    root.mkdir(parents=True, exist_ok=True)
    # Servers ignore folders whose name starts with .partial-.
    scratch = Path(tempfile.mkdtemp(prefix=".partial-", dir=root)).resolve()
    try:
        absolute = {
            "file": str(request.file.resolve()),
            "save": bool(request.save),
            "name": name,
            "folder": str(scratch),
        }
        memory, seconds = request.memory or _memory(request), request.seconds or _seconds(request)
        deadline = time.monotonic() + seconds
        with Progress(report) as progress:
            _run(asdict(request) | absolute | {"memory": memory, "seconds": seconds}, scratch, progress)
            progress("Testing the model on the embedded server")
            tested = compare(
                name,
                scratch / "version",
                scratch / "answers",
                memory=memory,
                seconds=max(deadline - time.monotonic(), 0.1),
                limit=seconds,
                trust=request.trust,
            )
        report(f"Tested on the embedded server: {tested}")
        base.mkdir(exist_ok=True)
        if request.save:
            shutil.move(scratch / "model.keras", request.save)
        (scratch / "version").chmod(0o755)
        return publish(scratch / "version", base, version)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _stored(request: Request) -> int:
    """Returns the size of the file or folder, and of the file of --like, in bytes. Does not follow links."""
    tops = [request.file.resolve(), *([Path(request.like).resolve()] if isinstance(request.like, str) else [])]
    found = [each for top in tops for each in (top, *itertools.islice(top.rglob("*"), MAX_FILES))]
    return sum(_bytes_on_disk(each.lstat()) for each in found if os.path.lexists(each))


def _bytes_on_disk(status: os.stat_result) -> int:
    """Returns the size of a file, without the holes of a sparse file."""
    return min(status.st_size, status.st_blocks * 512) if hasattr(status, "st_blocks") else status.st_size


def _memory(request: Request) -> int:
    base = BASE_MEMORY + MEMORY_OF_A_CORE * (os.cpu_count() or 1)
    return min(int(limits.memory() * MEMORY_SHARE), base + MEMORY_RATIO * _stored(request))


def _seconds(request: Request) -> float:
    return BASE_SECONDS + _stored(request) / (1 << 20)


def _name(file: Path) -> str:
    """Derives a model name: my_model_v2 for the file `My model.v2.h5`, or the folder's name for a model.json."""
    stem = file.resolve().parent.name if file.name == "model.json" else file.name.removesuffix(file.suffix)
    return re.sub(r"\W+", "_", stem.removesuffix(".weights").lower(), flags=re.ASCII).strip("_") or "model"


def _run(request: dict[str, Any], scratch: Path, report: Callable[[str], None]) -> None:
    """Runs the child process until it ends.

    Raises the error that the child process reports, or FailedPrecondition if the child process crashes.
    """
    log = scratch / "log"
    environment = {key: os.environ[key] for key in _ENVIRONMENT if key in os.environ} | {
        **dict.fromkeys(("HOME", "KERAS_HOME", "TMPDIR"), str(scratch)),
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    with (
        open(log, "wb") as errors,
        subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            start_new_session=True,
        ) as child,
    ):
        with killed_after(request["seconds"], lambda: child) as expired:
            try:
                assert child.stdin is not None
                child.stdin.write(json.dumps(request).encode())
                child.stdin.close()
                succeeded = _wait(child, report)
            finally:
                kill(child)
    if expired.is_set():
        raise ResourceExhausted(
            f"Reading the file takes more than {request['seconds']:.0f} s (--max-seconds allows more)"
        )
    if not succeeded:
        raise FailedPrecondition(_failure(child.returncode, log, request["memory"]))


def _wait(child: subprocess.Popen[bytes], report: Callable[[str], None]) -> bool:
    """Reports the progress of the child process until it ends. Returns whether it succeeded."""
    assert child.stdout is not None
    while line := child.stdout.readline(MAX_LINE):
        if not line.endswith(b"\n"):  # the process was killed while it wrote the line, or the line is too long
            kill(child)
            break
        event = json.loads(line)
        if "error" in event:
            raise from_code(event["error"], event["message"])
        if "done" in event:
            return True
        report(event["progress"])
    child.wait()
    return False


def _failure(status: int, log: Path, memory: int) -> str:
    """Describes how the child process ended, with the last line of its log."""
    lines = last_part(log).strip().splitlines()
    how = f"signal {-status} ({signal.Signals(-status).name})" if status < 0 else f"status {status}"
    if lines and "bad_alloc" in "".join(lines[-3:]):
        how += f", because it needs more than {memory / (1 << 30):.1f} GiB of memory (--max-memory allows more)"
    return f"The process that reads the file ended with {how}" + (f": {cause(lines[-1])}" if lines else "")


def parse_labels(file: Path) -> list[str]:
    """Reads the labels in a text file, one per line.

    Ignores blank lines at the end, and a byte order mark. Raises InvalidArgument if the file cannot be read.
    """
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"Expected a text file with one label per line. Received: {file} ({error})") from None
    while lines and not lines[-1].strip():
        lines.pop()
    return lines
