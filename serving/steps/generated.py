"""Generates texts with an encoder and a decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ...preparation.decoding import Decode, States, beam_search, greedy
from ...preparation.fields import Fields
from ..errors import InvalidArgument
from .base import Array, Arrays, Graphs, Step, read_step

MAX_STEPS = 64  # maximum number of generated tokens
MAX_CANDIDATES = 1 << 24  # of all texts in each step of a beam search
TOO_MANY_CANDIDATES = f"Expected at most {MAX_CANDIDATES} candidates, number of inputs × beam × tokens. Received:"


@dataclass(frozen=True)
class _Decoder:
    """An encoder and a decoder.

    Attributes:
        source: the array from which the encoder computes the states.
        encoder: from `source`, the `states`.
        decoder: from `previous` (batch, 1) and the `states`, the `probabilities` of the next tokens (batch, tokens) and
            the next `states`.
        states: names of the arrays.
    """

    source: str
    encoder: Step
    decoder: Step
    states: tuple[str, ...]

    @classmethod
    def read(cls, content: Fields) -> Self:
        encoder, decoder = (content.inner(name, read_step) for name in ("encoder", "decoder"))
        return cls(content.string("source"), encoder, decoder, tuple(content.strings("states")))

    def _encoded(self, arrays: Arrays, graphs: Graphs) -> States:
        results = self.encoder.run(arrays, graphs)
        return [results[name] for name in self.states]

    def _decode(self, graphs: Graphs) -> Decode:
        def decode(previous: Array, states: States) -> tuple[Array, States]:
            inputs = {"previous": previous, **dict(zip(self.states, states, strict=True))}
            results = self.decoder.run(inputs, graphs)
            return results["probabilities"], [results[name] for name in self.states]

        return decode


@dataclass(frozen=True)
class Generated(_Decoder, Step):
    """Generates the ids of a text for each row, with the most likely token at each step.

    Adds `generated` (batch, steps), padded with 0 after the end of a text.
    """

    kind = "generated 1"
    is_quick = False  # the model decides how many tokens it generates

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        count = len(arrays[self.source])
        if not count:
            return {"generated": np.zeros((0, 0), np.int32)}
        states = self._encoded(arrays, graphs)
        return {"generated": greedy(self._decode(graphs), states, count, MAX_STEPS)}


@dataclass(frozen=True)
class Beams(_Decoder, Step):
    """Generates the ids of several texts for each row by beam search. The scalar array `beam` has their number.

    Adds `generated` (batch, beam, steps), padded with 0 after the end of a text, and `scores` (batch, beam): see
    `beam_search`.

    Attributes:
        tokens: number of tokens that the decoder knows.
    """

    kind = "beams 1"
    is_quick = False
    tokens: int

    @classmethod
    def read(cls, content: Fields) -> Self:
        encoder, decoder = (content.inner(name, read_step) for name in ("encoder", "decoder"))
        states, tokens = tuple(content.strings("states")), content.integer("tokens", least=1)
        return cls(content.string("source"), encoder, decoder, states, tokens)

    def run(self, arrays: Arrays, graphs: Graphs) -> Arrays:
        count, beam = len(arrays[self.source]), int(arrays["beam"])
        if count * beam * self.tokens > MAX_CANDIDATES:
            raise InvalidArgument(f"{TOO_MANY_CANDIDATES} {count} × {beam} × {self.tokens}")
        if not count:
            return {"generated": np.zeros((0, beam, 0), np.int32), "scores": np.zeros((0, beam), np.float32)}
        states = self._encoded(arrays, graphs)
        ids, scores = beam_search(self._decode(graphs), states, count, MAX_STEPS, beam)
        return {"generated": ids, "scores": scores}
