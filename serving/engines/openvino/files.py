"""The OpenVINO files of a SavedModel: an index, and an IR file for each signature or other graph that OpenVINO runs.

The export writes these files into the SavedModel's folder `assets.extra/openvino/`, which TensorFlow Serving ignores. A
server writes them into a cache folder. `index.json` has the SavedModel's fingerprint, and the chosen engine with the
reason for each signature. If OpenVINO runs a signature, `index.json` also has the name of the IR file, a hash of this
file and the fingerprint, and the limits of the inputs for which OpenVINO was compared with TensorFlow.

The index of an export also has the steps of the signatures that are more than one graph: see `serving/steps/`.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ....preparation.fields import BadPreparation
from ... import saved_model, version_files
from ...errors import ServingError
from ...steps.base import Step, read_steps
from ...wire import dtypes
from ...wire.signature import SignatureDef, TensorSpec
from ..tensorflow import library as tensorflow_library

FOLDER = Path("assets.extra", "openvino")
RULES = 6  # version of the conversion: increase it when the same SavedModel is converted differently
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A signature that OpenVINO runs.

    Attributes:
        file: path of the IR file.
        limit: largest magnitude of floating-point inputs. TensorFlow runs larger values, NaN and infinities.
        least: smallest size of each dynamic dimension other than the batch dimension. TensorFlow rejects smaller sizes.
        independent_rows: whether a batch has the same outputs as its rows alone, so that requests may share a run.
        preferred: whether OpenVINO is faster than TensorFlow, so that it runs the signature if both are installed.
        digest: the result of `digest`. `Index.write` sets it.
    """

    file: str
    limit: float
    least: int = 1
    independent_rows: bool = False
    preferred: bool = True
    digest: str = ""


@dataclass(frozen=True, slots=True)
class GraphEntry:
    """A graph that is not a signature.

    Attributes:
        entry: its file.
        definition: its inputs and outputs.
    """

    entry: Entry
    definition: SignatureDef


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a signature that is more than one graph.

    Attributes:
        steps: what the server does.
        preferred: whether these steps are faster than TensorFlow.
    """

    steps: tuple[Step, ...]
    preferred: bool = True


@dataclass(frozen=True)
class Index:
    """The content of `index.json`.

    Attributes:
        fingerprint: fingerprint of the SavedModel.
        signatures: the signatures that OpenVINO runs.
        reasons: for each signature, the engine and the reason, such as "openvino (3.1x faster)".
        complete: False if the conversion failed before it had tried all signatures. The next start tries them again.
        graphs: further graphs, which the steps of signatures use.
        plans: the signatures that are more than one graph.
    """

    fingerprint: str
    signatures: dict[str, Entry] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    complete: bool = True
    graphs: dict[str, GraphEntry] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Writes `index.json` atomically. `folder` must hold the IR files."""
        for name, entry in self.signatures.items():
            self.signatures[name] = self._with_digest(entry)
        for name, graph in self.graphs.items():
            self.graphs[name] = replace(graph, entry=self._with_digest(graph.entry))
        partial = folder / "index.json.partial"
        content = {
            "fingerprint": self.fingerprint,
            "signatures": {name: _entry_to_json(entry) for name, entry in self.signatures.items()},
            "reasons": self.reasons,
            "complete": self.complete,
            "graphs": {
                name: _entry_to_json(each.entry) | _definition_to_json(each.definition)
                for name, each in self.graphs.items()
            },
            "plans": {
                name: {"steps": [step.to_json() for step in each.steps], "preferred": each.preferred}
                for name, each in self.plans.items()
            },
        }
        partial.write_text(json.dumps(content, indent=1) + "\n")
        partial.replace(folder / "index.json")

    def _with_digest(self, entry: Entry) -> Entry:
        return entry if entry.digest else replace(entry, digest=digest(self.fingerprint, Path(entry.file)))

    def is_intact(self) -> bool:
        """Returns whether the IR files are those that were made from the SavedModel with this fingerprint."""
        entries = [*self.signatures.values(), *(each.entry for each in self.graphs.values())]
        digests = {entry.file: entry.digest for entry in entries}
        try:
            return all(digest(self.fingerprint, Path(file)) == each for file, each in digests.items())
        except (OSError, ValueError, ServingError):  # ValueError: the name of the file is no valid path
            return False

    def described(self) -> dict[str, str]:
        """Returns for each signature the engine, the reason, and what would change the engine."""
        return {name: reason + self._change(name) for name, reason in sorted(self.reasons.items())}

    def _change(self, name: str) -> str:
        found = self.signatures.get(name) or self.plans.get(name)
        if found is None:
            return "; not without TensorFlow"
        return "" if found.preferred else "; openvino without TensorFlow"

    def __str__(self) -> str:
        return ", ".join(f"{name}: {text}" for name, text in self.described().items())


def digest(fingerprint: str, file: Path) -> str:
    """Returns a SHA-256 hash of a SavedModel's fingerprint and of an IR file that was made from this SavedModel."""
    whole = hashlib.sha256(fingerprint.encode())
    for part in (file, file.with_suffix(".bin")):
        with version_files.open_file(part) as content:
            whole.update(hashlib.file_digest(content, "sha256").digest())
    return whole.hexdigest()


def read(folder: Path) -> Index | None:
    """Returns the index in `folder`, or None if there is no readable index."""
    try:
        index = json.loads(version_files.read_file(folder / "index.json"))
        return Index(
            index["fingerprint"],
            {name: _entry(folder, each) for name, each in index["signatures"].items()},
            {str(name): str(reason) for name, reason in index["reasons"].items()},
            index.get("complete") is True,
            {name: GraphEntry(_entry(folder, each), _definition(name, each)) for name, each in _rows(index, "graphs")},
            {name: Plan(read_steps(each["steps"]), each["preferred"] is True) for name, each in _rows(index, "plans")},
        )
    except FileNotFoundError:
        return None
    except (OSError, ServingError, BadPreparation) as error:
        log.warning("%s: unreadable OpenVINO index, ignored: %s", folder, error)
        return None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        log.warning("%s: unreadable OpenVINO index, ignored: %r", folder, error)
        return None


def _entry(folder: Path, written: Mapping[str, Any]) -> Entry:
    file = str(folder / Path(str(written["file"])).name)
    return Entry(
        file,
        float(written["limit"]),
        int(written.get("least", 1)),
        written.get("independent_rows") is True,
        written.get("preferred", True) is True,
        str(written.get("digest", "")),
    )


def _entry_to_json(entry: Entry) -> dict[str, Any]:
    return asdict(entry) | {"file": Path(entry.file).name}


def _rows(index: Mapping[str, Any], name: str) -> Iterable[tuple[str, Any]]:
    return [(str(key), each) for key, each in index.get(name, {}).items()]


def _definition_to_json(definition: SignatureDef) -> dict[str, Any]:
    def tensors(specs: Mapping[str, TensorSpec]) -> dict[str, Any]:
        return {name: {"dtype": spec.dtype.number, "shape": spec.shape} for name, spec in specs.items()}

    return {"inputs": tensors(definition.inputs), "outputs": tensors(definition.outputs)}


def _definition(name: str, written: Mapping[str, Any]) -> SignatureDef:
    def specs(tensors: Mapping[str, Any]) -> dict[str, TensorSpec]:
        return {
            str(key): TensorSpec("", dtypes.BY_NUMBER[each["dtype"]], tuple(map(int, each["shape"])))
            for key, each in sorted(tensors.items())
        }

    return SignatureDef(name, "", specs(written["inputs"]), specs(written["outputs"]))


class OpenVinoFiles:
    """Finds the OpenVINO files of SavedModels.

    Args:
        cache: cache folder for the files that servers convert. None means the user's cache folder.
        tags: tags of the meta graph to serve.
    """

    def __init__(self, cache: Path | None = None, tags: Iterable[str] = ("serve",)) -> None:
        self.cache = (
            cache or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "keras-gallery/openvino").expanduser()
        )
        self.tags = tuple(sorted(tags))

    def of(self, folder: Path) -> Index | None:
        """Returns the index for the SavedModel in `folder`, or None if there is no index for exactly this SavedModel.

        Looks in the SavedModel's folder first, then in the cache. Ignores files that were changed. An index that is not
        complete is returned only if there is no complete one.
        """
        fingerprint = saved_model.fingerprint(folder)
        cached = self.cache_folder(fingerprint)
        with contextlib.suppress(OSError):
            os.utime(cached)  # marks the folder as used
        incomplete = None
        for place in (folder / FOLDER, *([cached] if self.is_private() else [])):
            index = read(place)
            if index is None:
                continue
            if index.fingerprint != fingerprint or not index.is_intact():
                log.warning("%s: ignored OpenVINO files that were changed, or made from another SavedModel", place)
            elif index.complete:
                return index
            else:
                incomplete = index
        return incomplete

    def is_private(self) -> bool:
        """Returns whether no other user can read or write the cache folder, or the folder does not exist yet.

        Other folders are not used: the files of another user could compute anything.
        """
        try:
            status = self.cache.stat()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return not hasattr(os, "geteuid") or status.st_uid == os.geteuid() and not status.st_mode & 0o077

    def cache_folder(self, fingerprint: str) -> Path:
        """Returns the cache folder for the files of the SavedModel with this fingerprint.

        The folder's name also depends on the tags, the OpenVINO version and `RULES`, and on whether TensorFlow is
        installed, which decides what OpenVINO was compared with.
        """
        key = (
            fingerprint,
            *self.tags,
            importlib.metadata.version("openvino"),
            RULES,
            tensorflow_library.find() is None,
        )
        return self.cache / hashlib.sha256(repr(key).encode()).hexdigest()[:40]
