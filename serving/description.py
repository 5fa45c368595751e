"""Reads and writes `assets.extra/description.json`: what a version's SavedModel cannot say about the model.

The file has the origin of an imported model, the labels of its classes, and the outputs of each signature in the
model's order. Servers do not read it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from . import version_files
from .errors import ServingError

FILE = Path("assets.extra", "description.json")
_MAX_BYTES = 16 << 20


@dataclass(frozen=True)
class Description:
    """A description of a version.

    Attributes:
        file: for an imported model: the name of its file.
        format: for an imported model: a description of its file, such as "a .keras file of Keras 3.15.1".
        labels: the labels of the classes, if they were given.
        outputs: by signature: the names of the outputs in the model's order, each with the layer that computes it, or
            "" if the name says enough.
    """

    file: str = ""
    format: str = ""
    labels: tuple[str, ...] = ()
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def in_order(self, signature: str, names: Collection[str]) -> list[str]:
        """Returns the names of a signature's outputs in the model's order. `out_2` comes before `out_10` by default."""
        known = list(self.outputs.get(signature, ()))
        places = {name: place for place, name in enumerate(known)}
        return sorted(names, key=lambda name: (places.get(name, len(known)), _natural(name)))


def read(version: Path) -> Description:
    """Reads the description of the version in a folder. Returns an empty description if there is none."""
    try:
        file = version / FILE
        value = json.loads(version_files.read_file(file)) if file.stat().st_size <= _MAX_BYTES else None
    except (OSError, ValueError, RecursionError, ServingError):
        return Description()
    if not isinstance(value, dict):
        return Description()
    labels, outputs = value.get("labels"), value.get("outputs")
    return Description(
        str(value.get("file") or ""),
        str(value.get("format") or ""),
        tuple(map(str, labels)) if isinstance(labels, list) else (),
        {name: _texts(each) for name, each in outputs.items()} if isinstance(outputs, dict) else {},
    )


def write(version: Path, **values: Any) -> None:
    """Writes some attributes of the description of a version. The other attributes stay the same."""
    file = version / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(replace(read(version), **values)), indent=2) + "\n", "utf-8")


def _texts(value: Any) -> dict[str, str]:
    return {name: str(text) for name, text in value.items()} if isinstance(value, dict) else {}


def _natural(name: str) -> list[tuple[int, str]]:
    """Returns a key that sorts the numbers in names by their value."""
    return [(int(each) if each.isdecimal() else -1, each) for each in re.split(r"(\d{1,9})", name)]
