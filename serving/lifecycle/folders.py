"""Reads the version folders below a model's base path."""

from __future__ import annotations

import logging
from pathlib import Path

from ..config.model_config import ModelConfig

log = logging.getLogger(__name__)


class VersionFolders:
    """Reads the version folders of a model. Logs a problem when it begins, and not again while it lasts."""

    def __init__(self) -> None:
        self._problem = ""

    def read(self, config: ModelConfig) -> dict[int, Path] | None:
        """Returns the version folders by version number; None if the base path can't be read."""
        folders: dict[int, Path] | None
        try:
            folders = config.versions_on_disk()
            problem = "" if folders else f"no versions found under base path {config.base_path}"
        except (OSError, ValueError) as error:  # ValueError: the path contains a NUL character
            folders = None
            reason = getattr(error, "strerror", None) or error
            problem = f"cannot read base path {str(config.base_path)!r}: {reason}"
        if problem and problem != self._problem:
            log.log(logging.ERROR if folders is None else logging.WARNING, "model %s: %s", config.name, problem)
        self._problem = problem
        return folders
