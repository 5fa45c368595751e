"""What a JSON document is to the codecs here: lists, `Object`s, text, int, float, bool and None.

Text is `str`; bytes in it that are not UTF-8 are kept as Python's "surrogateescape" keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MISSING: Any = object()
MAX_DEPTH = 1024  # of lists and objects in one another; orjson's, too


@dataclass(slots=True)
class Object:
    """A JSON object.

    Attributes:
        members: names and values in their order; a name may come again.
    """

    members: list[tuple[str, Any]] = field(default_factory=list)

    def find(self, name: str) -> Any:
        """The value of the first member called `name`; `MISSING` if there is none."""
        return next((value for key, value in self.members if key == name), MISSING)


def text(data: bytes) -> str:
    """Bytes as the text of a document."""
    return data.decode(errors="surrogateescape")


def raw(text: str) -> bytes:
    """The bytes of a document's text."""
    return text.encode(errors="surrogateescape")
