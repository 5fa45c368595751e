"""Reads the weights of a TensorFlow.js model from the files that its manifest lists."""

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
    """Returns the weights by name.

    The sizes in the manifest must equal the sizes of the files, so that a small file cannot claim much memory.

    Args:
        folder: folder of the model.json.
        manifest: the value of `weightsManifest` in the model.json.

    Raises:
        PermissionDenied: a file is not in the folder, or is a link or a device.
        InvalidArgument: the manifest is malformed, a weight name occurs twice, a file is missing, or the sizes differ.
    """
    arrays: Arrays = {}
    for group in _groups(manifest):
        files = [companion_file(folder, name) for name in group["paths"]]
        declared, stored = sum(map(size_of, group["weights"])), sum(file.stat().st_size for file in files)
        if declared != stored:
            raise InvalidArgument(f"Expected {declared:,} bytes of weights in {folder.name}. Received: {stored:,}")
        for name, array in decode(group["weights"], b"".join(file.read_bytes() for file in files)):
            if name in arrays:
                raise InvalidArgument(f"Duplicate weight name in the manifest: {name!r}")
            arrays[name] = array
    return arrays


def _groups(manifest: Any) -> Iterator[Mapping[str, Any]]:
    for group in manifest if isinstance(manifest, list) else [None]:
        if (
            not isinstance(group, dict)
            or not _is_list_of(group.get("paths"), str)
            or not _is_list_of(group.get("weights"), dict)
        ):
            raise InvalidArgument(f"Expected a weightsManifest of paths and weights. Received: {str(group)[:200]}")
        yield group


def _is_list_of(values: Any, item_type: type) -> bool:
    return isinstance(values, list) and all(isinstance(each, item_type) for each in values)
