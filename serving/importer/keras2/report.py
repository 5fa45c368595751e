"""Collects the changes to a configuration, as lines for the user."""

from __future__ import annotations

from ...errors import FailedPrecondition

SHOWN = 3  # maximum number of layer names in a line


class Report:
    """Collects changes to layers. The same change to several layers becomes one line."""

    def __init__(self) -> None:
        self._layers: dict[tuple[str, str], list[str]] = {}

    def add(self, layer: str, class_name: str, change: str) -> None:
        """Adds a change to a layer, if it was not added before."""
        names = self._layers.setdefault((class_name, change), [])
        if layer not in names:
            names.append(layer)

    def lines(self) -> list[str]:
        """Returns lines such as "layer 'lstm' (LSTM): time_major=False removed, because Keras 3 has no such option"."""
        return [f"{_layers(names)} ({class_name}): {change}" for (class_name, change), names in self._layers.items()]


def _layers(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:SHOWN])
    if len(names) > SHOWN:
        return f"{len(names)} layers, {shown} and so on"
    return f"{'layer' if len(names) == 1 else 'layers'} {shown}"


class NoEquivalent(FailedPrecondition):
    """Keras 3 has no equivalent of a layer. Keras 2 may still be able to run the model."""


def unsupported(layer: str, class_name: str, what: str) -> NoEquivalent:
    """Returns the error for a layer without an equivalent in Keras 3."""
    return NoEquivalent(f"No equivalent in Keras 3: layer {layer!r} ({class_name}), {what}")
