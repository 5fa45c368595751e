"""What was changed in a configuration, in lines that do not repeat themselves."""

from __future__ import annotations

from ...errors import FailedPrecondition

SHOWN = 3


class Report:
    """Collects changes of layers; the same change of several layers is one line."""

    def __init__(self) -> None:
        self._layers: dict[tuple[str, str], list[str]] = {}

    def add(self, layer: str, class_name: str, change: str) -> None:
        """Notes a change of a layer, once."""
        names = self._layers.setdefault((class_name, change), [])
        if layer not in names:
            names.append(layer)

    def lines(self) -> list[str]:
        """Such as "layer 'lstm' (LSTM): time_major=False dropped, Keras 3 has no such option"."""
        return [f"{_layers(names)} ({class_name}): {change}" for (class_name, change), names in self._layers.items()]


def _layers(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:SHOWN])
    if len(names) > SHOWN:
        return f"{len(names)} layers, {shown} and so on"
    return f"{'layer' if len(names) == 1 else 'layers'} {shown}"


def refused(layer: str, class_name: str, what: str) -> FailedPrecondition:
    """The error for a layer that nothing in Keras 3 takes the place of."""
    return FailedPrecondition(f"Expected layers that Keras 3 has. Received: layer {layer!r} ({class_name}), {what}")
