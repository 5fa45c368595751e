"""`import_file`: a model file → a served version. The file is opened in a child process only, with limits."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import FailedPrecondition, InvalidArgument, NotFound, from_code
from ..export.publishing import model_folder, publish
from .serving_check import compare

_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "GALLERY_NODE_MODULES", "SYSTEMROOT")


@dataclass(frozen=True)
class Request:
    """What to import, and how.

    Attributes:
        file: the file, or the folder of a SavedModel or a TensorFlow.js model.
        name: what requests will call it; by default the file's name.
        trust: whether it may run code of its own.
        classes: modules of yours that register classes which the file uses.
        like: the model that a weights-only file belongs to: a file, or a module with a `create`, and a name.
        encoder, decoder: the layers between which the code is.
        labels: the names of its classes, where it classifies.
        save: where to write the model itself, as Keras 3 has it now: a .keras file.
    """

    file: Path
    name: str | None = None
    trust: bool = False
    classes: Sequence[str] = ()
    like: str | tuple[str, str] | None = None
    encoder: str | None = None
    decoder: str | None = None
    labels: Sequence[str] | None = None
    save: Path | None = None


def import_file(
    request: Request, root: str | Path = "saved_models", version: int | None = None, say: Callable[[str], None] = print
) -> Path:
    """Imports a model; `say` is told what was found and done.

    Returns:
        The folder of the version, which is live from then on.

    Raises:
        NotFound: there is no such file.
        InvalidArgument: a name that is no folder name, a version that exists, layers that the model has not.
        PermissionDenied: the file would run code, or reaches for other files.
        FailedPrecondition: it can't be read, or the exported model answers otherwise than the file. Nothing is left.
    """
    if not request.file.exists():
        raise NotFound(f"Expected a model file. Received: {request.file}, which does not exist")
    if request.save and (request.save.suffix != ".keras" or request.save.exists()):
        raise InvalidArgument(f"Expected a new file that ends in .keras. Received: {request.save}")
    name = request.name or _name(request.file)
    root = Path(root)
    base = model_folder(root, name, version)
    root.mkdir(parents=True, exist_ok=True)
    # A name that is no model's: servers do not look inside.
    scratch = Path(tempfile.mkdtemp(prefix=".partial-", dir=root)).resolve()
    try:
        told = {"file": str(request.file.resolve()), "save": bool(request.save), "name": name, "folder": str(scratch)}
        _run(asdict(request) | told, scratch, say)
        say(f"Serving it for a moment: {compare(name, scratch / 'version', scratch / 'answers')}")
        base.mkdir(exist_ok=True)
        if request.save:
            shutil.move(scratch / "model.keras", request.save)
        (scratch / "version").chmod(0o755)
        return publish(scratch / "version", base, version)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _name(file: Path) -> str:
    """A model's name made of a file's: `My model.v2.h5` gives my_model_v2; a folder's for its `model.json`."""
    stem = file.resolve().parent.name if file.name == "model.json" else file.name.removesuffix(file.suffix)
    return re.sub(r"\W+", "_", stem.removesuffix(".weights").lower(), flags=re.ASCII).strip("_") or "model"


def _run(request: dict[str, Any], scratch: Path, say: Callable[[str], None]) -> None:
    """Runs the child process to its end. Raises the error that it reports."""
    log = scratch / "log"
    environment = {key: os.environ[key] for key in _KEPT if key in os.environ} | {
        **dict.fromkeys(("HOME", "KERAS_HOME", "TMPDIR"), str(scratch)),
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    # -P: no module is taken from the working directory, which may be where the file was put.
    command = (sys.executable, "-P", "-m", "keras_gallery.serving.importer.worker")
    with (
        open(log, "wb") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            start_new_session=True,
        ) as child,
    ):
        try:
            assert child.stdin is not None
            child.stdin.write(json.dumps(request).encode())
            child.stdin.close()
            done = _listen(child, say)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
    if not done:
        raise FailedPrecondition(f"Expected a file that can be read. Received: {_end(child.returncode, log)}")


def _listen(child: subprocess.Popen[bytes], say: Callable[[str], None]) -> bool:
    """Passes on what the child says; whether it finished."""
    assert child.stdout is not None
    for line in child.stdout:
        event = json.loads(line)
        if "error" in event:
            raise from_code(event["error"], event["message"])
        if "done" in event:
            return True
        say(event["say"])
    child.wait()
    return False


def _end(status: int, log: Path) -> str:
    """How the child process ended, with the last line that it wrote."""
    lines = log.read_text(errors="replace").strip().splitlines()
    how = f"signal {-status} ({signal.Signals(-status).name})" if status < 0 else f"status {status}"
    return f"an end of the process that reads it, by {how}" + (f": {lines[-1][:200]}" if lines else "")


def parse_labels(file: Path) -> list[str]:
    """The names of classes, one a line. InvalidArgument for a file that is none."""
    try:
        return file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"Expected a text file with a label a line. Received: {file} ({error})") from None
