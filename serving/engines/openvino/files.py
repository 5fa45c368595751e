"""OpenVINO's files of a SavedModel: an IR file for each signature that OpenVINO runs rightly and fast, and an index.

They lie beside the SavedModel, where the export put them (`assets.extra/openvino/`, which TensorFlow Serving
ignores), or in a cache folder. `index.json` says for each signature which file it is, up to which size of values it
was compared with TensorFlow, and why which engine was chosen; its fingerprint says of which SavedModel.
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
RULES = 3  # to be raised when the same SavedModel would be converted otherwise
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A signature that OpenVINO runs.

    Attributes:
        file: the path of the IR file.
        limit: larger floating-point values are TensorFlow's to answer, and so are NaN and infinities.
        least: smaller sizes of what the signature leaves open, the batch apart, are TensorFlow's to refuse.
    """

    file: str
    limit: float
    least: int = 1


@dataclass(frozen=True)
class Index:
    """What `index.json` holds.

    Attributes:
        signatures: those that OpenVINO runs.
        reasons: for each signature, the engine and why, such as "openvino (3.1x faster)".
    """

    fingerprint: str
    signatures: dict[str, Entry] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Writes it into the folder of the files that it names, in one step."""
        partial = folder / "index.json.partial"
        entries = {name: asdict(entry) | {"file": Path(entry.file).name} for name, entry in self.signatures.items()}
        partial.write_text(json.dumps(asdict(self) | {"signatures": entries}, indent=1) + "\n")
        partial.replace(folder / "index.json")

    def __str__(self) -> str:
        return ", ".join(f"{name}: {reason}" for name, reason in sorted(self.reasons.items()))


def read(folder: Path) -> Index | None:
    """The index in `folder`; None where there is none that can be read."""
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
        log.warning("%s: unreadable OpenVINO index (%r): passed over", folder, error)
        return None


def _entry(folder: Path, written: Mapping[str, Any]) -> Entry:
    file = str(folder / Path(str(written["file"])).name)
    return Entry(file, float(written["limit"]), int(written.get("least", 1)))


class OpenVinoFiles:
    """Where the files of SavedModels are.

    Args:
        cache: the folder of those that were made by a server; None: the user's cache folder.
        tags: those of the meta graphs that are served.
    """

    def __init__(self, cache: Path | None = None, tags: Iterable[str] = ("serve",)) -> None:
        self.cache = (
            cache or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "keras-gallery/openvino").expanduser()
        )
        self.tags = tuple(sorted(tags))

    def of(self, folder: Path) -> Index | None:
        """The index for just the SavedModel in `folder`: that of the export, or else that in the cache."""
        exported = read(folder / FOLDER)
        fingerprint = saved_model.fingerprint(folder)
        if exported is not None and exported.fingerprint == fingerprint:
            return exported
        if exported is not None:
            log.warning("%s: the OpenVINO files were made from another SavedModel: passed over", folder)
        place = self.place(fingerprint)
        with contextlib.suppress(OSError):
            os.utime(place)  # it is still asked for
        return read(place)

    def place(self, fingerprint: str) -> Path:
        """The cache folder for a SavedModel's files, as this release of OpenVINO and of our rules make them."""
        made_with = (fingerprint, *self.tags, importlib.metadata.version("openvino"), RULES)
        return self.cache / hashlib.sha256(repr(made_with).encode()).hexdigest()[:40]
