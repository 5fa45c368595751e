"""Defines samples of recurrent layers, and of layers that convert texts, categories and sound to numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from keras import layers as k

from .samples import IDS, SEQUENCE, TEXTS, VECTOR, WAVE, WAVES, sample

_OPTIONS: dict[str, dict[str, Any]] = {  # measured option → options of a recurrent layer
    "return_sequences": {"return_sequences": True},
    "return_state": {"return_state": True},
    "go_backwards": {"go_backwards": True, "return_sequences": True},
    "unroll": {"unroll": True},
    "dropout": {"dropout": 0.2},
    "recurrent_dropout": {"recurrent_dropout": 0.2},
    "use_bias": {"use_bias": False},
    "activation": {"activation": "relu"},
}


def _of_cell(make: Callable[..., Any]) -> Any:
    return k.RNN(make(3))


def _bidirectional(merge_mode: str | None) -> Any:
    return k.Bidirectional(k.LSTM(3), merge_mode=merge_mode)


_RECURRENT = [
    *(sample(SEQUENCE, partial(make, 3)) for make in (k.SimpleRNN, k.LSTM)),
    *(sample(SEQUENCE, partial(k.GRU, 3, reset_after=after), "reset_after") for after in (True, False)),
    *(
        sample(SEQUENCE, partial(make, 3, **options), option)
        for make in (k.SimpleRNN, k.LSTM, partial(k.GRU, reset_after=False))
        for option, options in _OPTIONS.items()
    ),
    sample(SEQUENCE, lambda: k.LSTM(3, recurrent_activation="hard_sigmoid"), "recurrent_activation"),
    sample(SEQUENCE, lambda: k.GRU(3, recurrent_activation="hard_sigmoid", reset_after=False), "recurrent_activation"),
    *(sample(SEQUENCE, partial(_of_cell, make), "of") for make in (k.SimpleRNNCell, k.LSTMCell, k.GRUCell)),
    sample(SEQUENCE, lambda: k.RNN([k.LSTMCell(3), k.GRUCell(2)]), "of"),
    sample(SEQUENCE, lambda: k.Bidirectional(k.LSTM(3)), "of"),
    sample(SEQUENCE, lambda: k.Bidirectional(k.GRU(3, reset_after=False)), "of"),
    sample(SEQUENCE, lambda: k.Bidirectional(k.SimpleRNN(3)), "of"),
    *(
        sample(SEQUENCE, partial(_bidirectional, merge_mode), "merge_mode")
        for merge_mode in ("sum", "mul", "ave", None)
    ),
]

_CATEGORIES = [
    sample(VECTOR, lambda: k.Discretization([0.2, 0.5, 0.8])),
    sample(IDS, lambda: k.CategoryEncoding(10)),
    sample(IDS, lambda: k.CategoryEncoding(10, output_mode="count"), "output_mode"),
    sample([((1,), "int32")], lambda: k.CategoryEncoding(10, output_mode="one_hot"), "output_mode"),
    sample(IDS, lambda: k.Hashing(5)),
    sample([((1,), "int32")] * 2, lambda: k.HashedCrossing(5)),
    sample(IDS, lambda: k.IntegerLookup(vocabulary=[1, 3, 5])),
    sample(TEXTS, lambda: k.StringLookup(vocabulary=["a", "b"])),
    sample(TEXTS, lambda: k.TextVectorization(vocabulary=["a", "b"], output_sequence_length=4)),
]

_SOUND = [
    sample(WAVES, lambda: k.STFTSpectrogram(frame_length=64, frame_step=32)),
    sample(WAVE, lambda: k.MelSpectrogram(fft_length=64, sequence_stride=32, num_mel_bins=8)),
]

GROUPS = [*_RECURRENT, *_CATEGORIES, *_SOUND]
