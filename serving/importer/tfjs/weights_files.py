"""The weights of a TensorFlow.js model: the files that its manifest names, checked before anything is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InvalidArgument
from ...targets.tfjs.weights import decode, size_of
from ..reading.companion_files import companion_file

Arrays = dict[str, np.ndarray[Any, Any]]


def read(folder: Path, manifest: Any) -> Arrays:
    """The arrays by name. What a manifest declares is no more than its files hold, so that it asks for no memory.

    Args:
        folder: where the model.json is.
        manifest: its `weightsManifest`.

    Raises:
        PermissionDenied: a file is not in the folder itself.
        InvalidArgument: it is no manifest, a file is missing, or holds more or less than is declared.
    """
    found: Arrays = {}
    for group in _groups(manifest):
        files = [companion_file(folder, name) for name in group["paths"]]
        declared, held = sum(map(size_of, group["weights"])), sum(file.stat().st_size for file in files)
        if declared != held:
            raise InvalidArgument(f"Expected {declared:,} bytes of weights in {folder.name}. Received: {held:,}")
        for name, array in decode(group["weights"], b"".join(file.read_bytes() for file in files)):
            if name in found:
                raise InvalidArgument(f"Expected each weight once. Received: {name!r} again")
            found[name] = array
    return found


def _groups(manifest: Any) -> Iterator[Mapping[str, Any]]:
    for group in manifest if isinstance(manifest, list) else [None]:
        if not isinstance(group, dict) or not _are(group.get("paths"), str) or not _are(group.get("weights"), dict):
            raise InvalidArgument(f"Expected a weightsManifest of paths and weights. Received: {str(group)[:200]}")
        yield group


def _are(values: Any, kind: type) -> bool:
    return isinstance(values, list) and all(isinstance(each, kind) for each in values)
