"""Reads `assets.extra/card.json`: the layers of a version's model, and what is known about its training.

The export writes the file, for people. The server passes it on to the page. TensorFlow Serving ignores it.
"""

from __future__ import annotations

from pathlib import Path

from . import version_files
from .errors import FailedPrecondition, NotFound

FILE = Path("assets.extra", "card.json")
MAX_BYTES = 4 << 20


def read(version: Path) -> bytes:
    """Returns the card of the version in a folder: a JSON object as UTF-8.

    The text is not parsed: that could take seconds, in which the server would answer no other request.

    Raises:
        NotFound: the version has no card, or a link that leads out of the version.
        FailedPrecondition: the file is too large, or does not look like a JSON object.
    """
    path = version / FILE
    try:
        is_inside = path.resolve().is_relative_to(version.resolve())
        with version_files.open_file(path) as file:
            content = file.read(MAX_BYTES + 1) if is_inside else b""
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        is_inside = False
    if not is_inside:
        raise NotFound("This version has no card. Versions that Keras Gallery exports have one.")
    if len(content) > MAX_BYTES:
        raise FailedPrecondition(f"The card of this version has more than {MAX_BYTES:,} bytes.")
    if not (content.startswith(b"{") and content.endswith(b"}") and _is_utf8(content)):
        raise FailedPrecondition("The card of this version is not a JSON object.")
    return content


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
