"""The OpenVINO files of a SavedModel: an index, and an IR file for each signature that OpenVINO runs.

The export writes these files into the SavedModel's folder `assets.extra/openvino/`, which TensorFlow Serving ignores. A
server writes them into a cache folder. `index.json` has the SavedModel's fingerprint, and the chosen engine with the
reason for each signature. If OpenVINO runs a signature, `index.json` also has the name of the IR file, and the limits
of the inputs for which OpenVINO was compared with TensorFlow.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ... import saved_model

FOLDER = Path("assets.extra", "openvino")
RULES = 4  # version of the conversion: increase it when the same SavedModel is converted differently
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A signature that OpenVINO runs.

    Attributes:
        file: path of the IR file.
        limit: largest magnitude of floating-point inputs. TensorFlow runs larger values, NaN and infinities.
        least: smallest size of each dynamic dimension other than the batch dimension. TensorFlow rejects smaller sizes.
        independent_rows: whether a batch has the same outputs as its rows alone, so that requests may share a run.
    """

    file: str
    limit: float
    least: int = 1
    independent_rows: bool = False


@dataclass(frozen=True)
class Index:
    """The content of `index.json`.

    Attributes:
        fingerprint: fingerprint of the SavedModel.
        signatures: the signatures that OpenVINO runs.
        reasons: for each signature, the engine and the reason, such as "openvino (3.1x faster)".
    """

    fingerprint: str
    signatures: dict[str, Entry] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Writes `index.json` atomically. `folder` must hold the IR files."""
        partial = folder / "index.json.partial"
        entries = {name: asdict(entry) | {"file": Path(entry.file).name} for name, entry in self.signatures.items()}
        partial.write_text(json.dumps(asdict(self) | {"signatures": entries}, indent=1) + "\n")
        partial.replace(folder / "index.json")

    def __str__(self) -> str:
        return ", ".join(f"{name}: {reason}" for name, reason in sorted(self.reasons.items()))


def read(folder: Path) -> Index | None:
    """Returns the index in `folder`, or None if there is no readable index."""
    try:
        index = json.loads((folder / "index.json").read_text())
        return Index(
            index["fingerprint"],
            {name: _entry(folder, each) for name, each in index["signatures"].items()},
            {str(name): str(reason) for name, reason in index["reasons"].items()},
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s: unreadable OpenVINO index, ignored: %r", folder, error)
        return None


def _entry(folder: Path, written: Mapping[str, Any]) -> Entry:
    file = str(folder / Path(str(written["file"])).name)
    return Entry(file, float(written["limit"]), int(written.get("least", 1)), written.get("independent_rows") is True)


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

        Looks in the SavedModel's folder first, then in the cache.
        """
        exported = read(folder / FOLDER)
        fingerprint = saved_model.fingerprint(folder)
        if exported is not None and exported.fingerprint == fingerprint:
            return exported
        if exported is not None:
            log.warning("%s: ignored the OpenVINO files, which were made from another SavedModel", folder)
        cached = self.cache_folder(fingerprint)
        with contextlib.suppress(OSError):
            os.utime(cached)  # marks the folder as used
        return read(cached)

    def cache_folder(self, fingerprint: str) -> Path:
        """Returns the cache folder for the files of the SavedModel with this fingerprint.

        The folder's name also depends on the tags, the OpenVINO version and `RULES`.
        """
        key = (fingerprint, *self.tags, importlib.metadata.version("openvino"), RULES)
        return self.cache / hashlib.sha256(repr(key).encode()).hexdigest()[:40]
