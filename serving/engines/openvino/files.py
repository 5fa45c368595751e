"""The OpenVINO files of a SavedModel: an index, and an IR file for each signature that OpenVINO runs.

The files are in the SavedModel's folder `assets.extra/openvino/` (TensorFlow Serving ignores it) if the export made
them, or in a cache folder. `index.json` has the SavedModel's fingerprint, and for each signature the file, the largest
values for which it was compared with TensorFlow, and the chosen engine with the reason.
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
RULES = 3  # increase this when the conversion of the same SavedModel changes
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A signature that OpenVINO runs.

    Attributes:
        file: path of the IR file.
        limit: largest magnitude of floating-point inputs. TensorFlow runs larger values, NaN and infinities.
        least: smallest size of a dynamic dimension, except the batch dimension. TensorFlow raises an error below it.
    """

    file: str
    limit: float
    least: int = 1


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
    return Entry(file, float(written["limit"]), int(written.get("least", 1)))


class OpenVinoFiles:
    """Finds the OpenVINO files of SavedModels.

    Args:
        cache: folder of the files that a server made. None means the user's cache folder.
        tags: tags of the meta graph to serve.
    """

    def __init__(self, cache: Path | None = None, tags: Iterable[str] = ("serve",)) -> None:
        self.cache = (
            cache or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "keras-gallery/openvino").expanduser()
        )
        self.tags = tuple(sorted(tags))

    def of(self, folder: Path) -> Index | None:
        """Returns the index for the SavedModel in `folder`: the export's, or else the one in the cache.

        The index must be made from exactly this SavedModel. Returns None if there is no such index.
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
        """Returns the cache folder of a SavedModel's files. It depends on the OpenVINO version and on `RULES`."""
        made_with = (fingerprint, *self.tags, importlib.metadata.version("openvino"), RULES)
        return self.cache / hashlib.sha256(repr(made_with).encode()).hexdigest()[:40]
