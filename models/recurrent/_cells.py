"""Keras's recurrent layers by name."""

from typing import Any, Literal

from keras import layers

Cell = Literal["lstm", "gru"]
AnyCell = Literal["simple_rnn", "lstm", "gru"]
LAYERS: dict[str, Any] = {"simple_rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}
