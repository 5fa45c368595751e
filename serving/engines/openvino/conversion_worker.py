"""The child process that converts a SavedModel to OpenVINO files and an index. `conversion.py` starts it.

It compares OpenVINO's answers with TensorFlow's. Where TensorFlow is missing, these are in the warm-up file.
"""

from __future__ import annotations

import errno
import hashlib
import math
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ... import landlock, saved_model
from ...wire import messages
from ...wire.signature import DEFAULT_SIGNATURE, SignatureDef
from ..base import Arrays
from ..tensorflow import library
from ..tensorflow.library import TensorFlowError
from ..tensorflow.session import Session
from ..tensorflow.tensor import from_array, to_array
from . import plans, recorded
from .comparison import Rejected, Run, RunFailed, Verdict, compare, reason
from .engine import OpenVinoRunner, make_core
from .files import Entry, Index
from .rules import reasons_against

FULL_DISK_BYTES = 1 << 20
RESOURCE_EXHAUSTED = 8  # number of the gRPC code


def convert(folder: Path, tags: list[str], target: Path) -> None:
    """Converts a SavedModel into the folder `target`.

    Writes the index after each signature, so that a crash does not lose the finished signatures. The index has only
    reasons that depend on the SavedModel: if the memory or the disk is full, the conversion fails as a whole.
    """
    meta_graph = saved_model.read_meta_graph(folder, tags)
    signatures = saved_model.signatures_of(meta_graph)
    index = Index(saved_model.fingerprint(folder))
    steps, limits = plans.read(target)
    candidates = {}
    for name, why in sorted(reasons_against(meta_graph, signatures).items()):
        if why:
            index.reasons[name] = f"tensorflow ({why})"
        else:
            candidates[name] = signatures[name]
    index.write(target)
    if not candidates and not steps:
        return
    converter = Converter(folder, tags, meta_graph, target)
    for name, signature in candidates.items():
        try:
            index.signatures[name], times_faster = converter.convert(signature)
            index.reasons[name] = reason(times_faster) if library.find() else recorded.REASON
        except Rejected as why:
            index.reasons[name] = f"tensorflow ({why})"
        index.write(target)
    rejected: dict[str, str] = {}
    if (target / plans.GRAPHS).exists():
        graphs = saved_model.read_meta_graph(target / plans.GRAPHS)
        definitions = saved_model.signatures_of(graphs)
        further = Converter(target / plans.GRAPHS, ["serve"], graphs, target, limits)
        reasons = reasons_against(graphs, definitions, limits)
        rejected = plans.add_graphs(index, further, definitions, reasons)
    for _ in plans.compare(index, steps, rejected, signatures, converter, target):
        index.write(target)


class Converter:
    """Converts the signatures of a SavedModel, and compares their outputs with TensorFlow's.

    Args:
        folder: the SavedModel.
        tags: the tags of its meta graph.
        meta_graph: the meta graph.
        target: the folder of the OpenVINO files.
        limits: by signature and input: the number of ids. If it is given, the graph is our own, and may have any loop.
    """

    def __init__(
        self,
        folder: Path,
        tags: list[str],
        meta_graph: Any,
        target: Path,
        limits: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        self._folder, self._target = folder, target
        self._meta_graph = meta_graph
        self._limits = limits
        self.core = make_core()
        self._session = Session(folder, tags) if library.find() else None
        self._answers = {} if self._session else recorded.read(folder)
        # Files that passed the comparison, and how many times faster OpenVINO is, by the digest of the file.
        self._files: dict[bytes, tuple[Entry, float]] = {}

    def convert(self, signature: SignatureDef) -> tuple[Entry, float]:
        """Converts a signature. Returns its entry, and how many times faster OpenVINO is than TensorFlow.

        Raises Rejected if OpenVINO must not run the signature.
        """
        import openvino

        file = self._target / f"{len(list(self._target.glob('*.xml')))}.xml"
        try:
            openvino.save_model(self._read(signature), str(file), compress_to_fp16=False)
            runner = OpenVinoRunner(self.core.compile_model(str(file), "CPU"), signature, Entry(str(file), math.inf))
        except (RuntimeError, ValueError, KeyError) as error:  # KeyError: the conversion removed inputs or outputs
            if shutil.disk_usage(self._target).free < FULL_DISK_BYTES:
                raise OSError(errno.ENOSPC, "The disk is full") from None
            self._remove(file)
            raise Rejected(f"OpenVINO: {str(error).strip().splitlines()[-1][:200]}") from None
        content = _digest(file)
        try:
            if content in self._files:  # another signature with the same function
                self._remove(file)
                return self._files[content]
            verdict = self._compare(signature, plans.openvino_run(runner, list(signature.outputs)))
        except Rejected:
            self._remove(file)
            raise
        preferred = verdict.times_faster >= 1
        entry = Entry(str(file), verdict.limit, verdict.least, verdict.independent_rows, preferred)
        self._files[content] = entry, verdict.times_faster
        return self._files[content]

    def _compare(self, signature: SignatureDef, openvino: Run) -> Verdict:
        """Compares OpenVINO with TensorFlow or, where TensorFlow is missing, with its recorded answers."""
        if self._session is None:
            return recorded.compare(signature, self._answers.get(signature.name, ()), openvino)
        return compare(signature, self.tensorflow(signature), openvino, (self._limits or {}).get(signature.name))

    def _read(self, signature: SignatureDef) -> Any:
        """Returns an OpenVINO model of a signature.

        OpenVINO reads only the default signature, so this method writes a temporary SavedModel with the signature as
        default. The model's inputs are named in0, in1, … and its outputs out0, out1, …, in the order of the sorted
        names. Recurrent layers are fused. Raises Rejected for other loops, which OpenVINO runs slowly.
        """
        from ..recurrent.fusion import fuse, loops  # imports OpenVINO

        saved = messages.SavedModel(saved_model_schema_version=1)
        graph = saved.meta_graphs.add()
        graph.CopyFrom(self._meta_graph)
        graph.meta_info_def.tags[:] = ["serve"]
        old, new = self._meta_graph.signature_def[signature.name], messages.SignatureDef()
        new.method_name = "tensorflow/serving/predict"
        for prefix, before, after in (("in", old.inputs, new.inputs), ("out", old.outputs, new.outputs)):
            for at, name in enumerate(sorted(before)):
                after[f"{prefix}{at}"].CopyFrom(before[name])
        graph.ClearField("signature_def")
        graph.signature_def[DEFAULT_SIGNATURE].CopyFrom(new)
        with tempfile.TemporaryDirectory(dir=self._target) as folder:
            Path(folder, "saved_model.pb").write_bytes(saved.SerializeToString())
            for name in ("variables", "assets"):
                Path(folder, name).symlink_to((self._folder / name).absolute())
            model = self.core.read_model(folder)
        fuse(model)
        if self._limits is None and loops(model):
            raise Rejected("a loop that is not a recurrent layer")
        return model

    def _remove(self, file: Path) -> None:
        file.unlink(missing_ok=True)
        file.with_suffix(".bin").unlink(missing_ok=True)

    def tensorflow(self, signature: SignatureDef) -> Run:
        """Returns a function that runs a signature in TensorFlow."""

        def run(inputs: Arrays) -> Arrays:
            assert self._session is not None
            feeds = [(signature.inputs[name].tensor, from_array(array)) for name, array in inputs.items()]
            try:
                results = self._session.run(feeds, [spec.tensor for spec in signature.outputs.values()])
            except TensorFlowError as error:
                if error.code == RESOURCE_EXHAUSTED:  # says nothing about the model
                    raise MemoryError(str(error)) from None
                raise RunFailed from None
            return dict(zip(signature.outputs, map(to_array, results), strict=True))

        return run


def _digest(file: Path) -> bytes:
    """Returns a digest of a model's files. The names of nodes do not change the digest."""
    digest = hashlib.sha256(re.sub(rb' (friendly_)?name="[^"]*"', b"", file.read_bytes()))
    with open(file.with_suffix(".bin"), "rb") as weights:
        digest.update(hashlib.file_digest(weights, "sha256").digest())
    return digest.digest()


def end_with_parent(target: str) -> None:
    """Waits until the parent process ends, then removes the unfinished files and ends this process."""
    sys.stdin.buffer.read()
    for _ in range(3):  # the main thread may be writing a file
        shutil.rmtree(target, ignore_errors=True)
    os._exit(1)


def main() -> None:
    niceness, folder, target, *tags = sys.argv[1:]
    threading.Thread(target=end_with_parent, args=(target,), daemon=True).start()
    os.nice(int(niceness))
    os.environ["TMPDIR"] = tempfile.tempdir = target
    landlock.restrict([Path(target)])  # the comparison runs the model, which could write files
    convert(Path(folder), tags, Path(target))
    os._exit(0)  # skip the exit handlers of the libraries, which could crash


if __name__ == "__main__":
    main()
