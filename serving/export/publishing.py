"""Where an exported version goes: `saved_models/<name>/<version>/`, live at once and whole."""

from __future__ import annotations

from pathlib import Path

from ..errors import InvalidArgument


def check_place(root: Path, name: str, version: int | None) -> Path:
    """The folder of a model. Raises InvalidArgument for a name that is no folder name, or a version that exists."""
    if not name or name.startswith(".") or any(c in name for c in "/\\:"):
        raise InvalidArgument(f"Expected a model name without '/', '\\' and ':'. Received: {name!r}")
    if version is not None and not 0 < version < 1 << 63:
        raise InvalidArgument(f"Expected a version of 1 or more. Received: {version}")
    base = root / name
    if version is not None and (base / str(version)).exists():
        raise InvalidArgument(f"Expected a new version. Received: {base / str(version)}, which exists")
    return base


def publish(finished: Path, base: Path, version: int | None) -> Path:
    """Renames the finished folder to its version; the next free number, whoever else exports."""
    while True:
        taken = [int(folder.name) for folder in base.iterdir() if folder.name.isdecimal()]
        place = base / str(version or max(taken, default=0) + 1)
        try:
            finished.rename(place)
            return place
        except OSError:
            if version or not place.exists():
                raise
