"""Moves an exported version to its folder `saved_models/<name>/<version>/` in one step."""

from __future__ import annotations

from pathlib import Path

from ..errors import InvalidArgument


def model_folder(root: Path, name: str, version: int | None) -> Path:
    """Returns the folder of a model, below `root`.

    Raises InvalidArgument if `name` is not a folder name, or if the version is out of range or exists.
    """
    if not name or name.startswith(".") or any(c in name for c in "/\\:"):
        raise InvalidArgument(
            f"Expected a model name without '/', '\\' and ':' that does not start with '.'. Received: {name!r}"
        )
    if version is not None and not 0 < version < 1 << 63:
        raise InvalidArgument(f"Expected a version of 1 or more. Received: {version}")
    base = root / name
    if version is not None and (base / str(version)).exists():
        raise InvalidArgument(f"Version {version} already exists: {base / str(version)}. Choose another version.")
    return base


def publish(finished: Path, base: Path, version: int | None) -> Path:
    """Renames the folder `finished` to a version folder below `base`. Returns the version folder.

    If `version` is None, uses the next free number, even if other processes export at the same time. Raises OSError if
    the folder can't be renamed, for example because `version` exists.
    """
    while True:
        taken = [int(folder.name) for folder in base.iterdir() if folder.name.isdecimal()]
        folder = base / str(version or max(taken, default=0) + 1)
        try:
            finished.rename(folder)
            return folder
        except OSError:
            if version or not folder.exists():
                raise
