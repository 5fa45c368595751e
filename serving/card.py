"""Reads `assets.extra/card.json`: the layers of a version's model, and what is known about its training.

The export writes the file, for people. The server passes it on to the page. TensorFlow Serving ignores it.
"""

from __future__ import annotations

import json
from pathlib import Path

from . import version_files
from .errors import FailedPrecondition, NotFound

FILE = Path("assets.extra", "card.json")
MAX_BYTES = 4 << 20


def read(version: Path) -> bytes:
    """Returns the card of the version in a folder: a JSON object as UTF-8.

    Raises:
        NotFound: the version has no card.
        FailedPrecondition: the card is not a JSON object, or is too large.
    """
    try:
        with version_files.open_file(version / FILE) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError:
        raise NotFound("This version has no card. Versions that Keras Gallery exports have one.") from None
    if len(content) > MAX_BYTES:
        raise FailedPrecondition(f"The card of this version has more than {MAX_BYTES:,} bytes.")
    try:
        is_object = isinstance(json.loads(content.decode()), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise FailedPrecondition("The card of this version is not a JSON object.")
    return content
