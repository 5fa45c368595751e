"""Writes the page docs/imported.md from the results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Results = Mapping[str, Mapping[str, Any]]


def read(docs: Path) -> dict[str, dict[str, Any]]:
    """Reads the recorded results by key. Returns an empty dictionary if there are none."""
    file = docs / "imported.json"
    return dict(json.loads(file.read_text("utf-8"))) if file.is_file() else {}


def table(results: Results) -> str:
    return json.dumps(results)
