"""Generates texts with an encoder and a decoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...preparation.fields import Fields
from ...preparation.splits import END, PADDING, START
from .base import Arrays, Graphs, Step, read_step

MAX_STEPS = 64  # maximum number of generated tokens


@dataclass(frozen=True)
class Generated(Step):
    """Generates the ids of a text for each row, with the most likely token at each step.

    Adds `generated` (batch, steps), padded with 0 after the end of a text.

    Attributes:
        source: the array from which the encoder computes the states.
        encoder: from `source`, the `states`.
        decoder: from `previous` (batch, 1) and the `states`, the `probabilities` of the next tokens (batch, tokens) and
            the next `states`.
        states: names of the arrays.
    """

    kind = "generated 1"
    is_quick = False  # the model decides how many tokens it generates
    source: str
    encoder: Step
    decoder: Step
    states: tuple[str, ...]

    @classmethod
    def read(cls, content: Fields) -> Generated:
        encoder, decoder = (content.inner(name, read_step) for name in ("encoder", "decoder"))
        return cls(content.string("source"), encoder, decoder, tuple(content.strings("states")))

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        count = len(arrays[self.source])
        ids = np.zeros((count, MAX_STEPS + 1), np.int32)
        ids[:, 0] = START
        if not count:
            return {"generated": ids[:, :0]}
        results = self.encoder.run(arrays, graphs)
        has_ended = np.zeros(count, bool)
        for step in range(MAX_STEPS):
            states = {name: results[name] for name in self.states}
            results = self.decoder.run({"previous": ids[:, step : step + 1], **states}, graphs)
            last = np.where(has_ended, PADDING, results["probabilities"].argmax(-1))
            has_ended = (last == END) | (last == PADDING)
            ids[:, step + 1] = np.where(has_ended, PADDING, last)
            if has_ended.all():
                break
        return {"generated": ids[:, 1 : step + 2]}
