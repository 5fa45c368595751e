"""The Python values of a JSON document: list, `Object`, str, int, float, bool and None.

Bytes in a string that are not UTF-8 are kept in the str as Python's "surrogateescape" error handler keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MISSING: Any = object()


@dataclass(slots=True)
class Object:
    """A JSON object.

    Attributes:
        members: names and values in the order of the document. The same name may occur several times.
    """

    members: list[tuple[str, Any]] = field(default_factory=list)

    def find(self, name: str) -> Any:
        """Returns the value of the first member called `name`, or `MISSING`."""
        return next((value for key, value in self.members if key == name), MISSING)


def text(data: bytes) -> str:
    """Decodes bytes to a string of a document."""
    return data.decode(errors="surrogateescape")


def raw(text: str) -> bytes:
    """Encodes a string of a document to its bytes."""
    return text.encode(errors="surrogateescape")
