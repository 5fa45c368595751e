"""Gives arrays other names."""

from __future__ import annotations

from dataclasses import dataclass

from ...preparation.fields import Fields
from .base import Arrays, Graphs, Step


@dataclass(frozen=True)
class Names(Step):
    """Adds arrays under other names.

    Attributes:
        old: the names.
        new: the other name of each.
    """

    kind = "names 1"
    old: tuple[str, ...]
    new: tuple[str, ...]

    @classmethod
    def read(cls, content: Fields) -> Names:
        return cls(tuple(content.strings("old")), tuple(content.strings("new")))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        return {new: arrays[old] for old, new in zip(self.old, self.new, strict=True)}
