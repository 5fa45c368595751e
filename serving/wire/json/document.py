"""The Python values of a JSON document: list, `Object`, str, int, float, bool and None.

Strings can have bytes that are not UTF-8. A str keeps each such byte as a surrogate, by Python's "surrogateescape".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MISSING: Any = object()


@dataclass(slots=True)
class Object:
    """A JSON object.

    Attributes:
        members: pairs of name and value in the order of the document. The same name can occur several times.
    """

    members: list[tuple[str, Any]] = field(default_factory=list)

    def find(self, name: str) -> Any:
        """Returns the value of the first member called `name`, or `MISSING`."""
        return next((value for key, value in self.members if key == name), MISSING)


def text(data: bytes) -> str:
    """Decodes the bytes of a JSON string."""
    return data.decode(errors="surrogateescape")


def raw(text: str) -> bytes:
    """Returns the bytes of a string that `text` decoded."""
    return text.encode(errors="surrogateescape")
