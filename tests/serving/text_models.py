"""Small models of sequences and of texts with random weights, and the token names of the models' ids."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers
from keras_gallery.models.layers.add_last_season import AddLastSeason
from keras_gallery.models.layers.seasonal_difference import SeasonalDifference

WORDS = ["a", "bad", "don't", "film", "good", "great", "terrible", "the", "very", "was"]
LETTERS = list("abcdefghijklmnopqrstuvwxyz'é")
SOUNDS = ["[START]", "[END]", "AH0", "B", "D", "IY1", "K", "S", "T"]
COUNTRIES = ["Côte d'Ivoire", "France", "New Zealand", "Peru"]
CITIES = ["Lima", "Paris", "Wellington"]

TEXTS: dict[str, dict[str, dict[str, Any]]] = {
    "reviews": {"text": {"names": WORDS, "split": "words"}},
    "spelling": {
        "text": {"names": LETTERS, "split": "characters"},
        "output": {"names": SOUNDS, "split": "spaces"},
    },
    "captions": {"output": {"names": ["[START]", "[END]", *"eghinorstuvwxz"], "split": "characters"}},
    "places": {
        "country": {"names": COUNTRIES, "split": "whole"},
        "city": {"names": CITIES, "split": "whole"},
    },
    "tags": {"text": {"names": LETTERS, "split": "characters"}},
    "words": {"word": {"names": WORDS, "split": "words"}},
}


def size(name: str, role: str) -> int:
    return len(TEXTS[name][role]["names"]) + 2


def _large() -> Any:
    """Returns an initializer with weights so large that different inputs give different outputs."""
    return keras.initializers.RandomNormal(stddev=2)


def forecaster(season: int = 0, horizon: int = 3, features: int = 2) -> keras.Model:
    history = x = keras.Input((None, features), name="history")
    if season:
        x = SeasonalDifference(season)(x)
    s = layers.GRU(6, return_sequences=True)(layers.RepeatVector(horizon)(layers.LSTM(5)(x)))
    y = layers.Dense(features, name=None if season else "forecast")(s)
    return keras.Model(history, AddLastSeason(season, name="forecast")(y, history) if season else y)


def sequence_regressor(features: int = 2) -> keras.Model:
    x = keras.Input((None, features), name="sequence")
    h = layers.GRU(5, name="embedding")(x)
    return keras.Model(x, layers.Dense(1, name="prediction")(h))


def sequence_classifier(convolution: bool = False) -> keras.Model:
    """Returns a classifier of sequences. With `convolution`, the model has a Conv1D layer, which drops masks."""
    x = h = keras.Input((None, 2), name="sequence")
    h = layers.Conv1D(4, 12)(h) if convolution else h
    h = layers.SimpleRNN(5, name="embedding")(h)
    return keras.Model(x, layers.Dense(3, "softmax", kernel_initializer=_large(), name="probabilities")(h))


def reviews() -> keras.Model:
    ids = keras.Input((None,), dtype="int32", name="ids")
    table = layers.Embedding(size("reviews", "text"), 4, mask_zero=True, embeddings_initializer=_large(), name="tokens")
    h = layers.Bidirectional(layers.LSTM(3), name="embedding")(table(ids))
    return keras.Model(ids, layers.Dense(3, "softmax", kernel_initializer=_large(), name="probabilities")(h))


def tags() -> keras.Model:
    """Returns a tagger of characters that can be called step by step."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    x = layers.Embedding(size("tags", "text"), 4, mask_zero=True, embeddings_initializer=_large())(ids)
    h = layers.LSTM(6, return_sequences=True)(x)
    return keras.Model(ids, layers.Dense(3, "softmax", kernel_initializer=_large(), name="tag_probabilities")(h))


def spelling(cell: Any = layers.GRU) -> keras.Model:
    """Returns an encoder-decoder model from characters to sounds."""
    text = keras.Input((None,), dtype="int32", name="text")
    x = layers.Embedding(size("spelling", "text"), 4, mask_zero=True, embeddings_initializer=_large())(text)
    _, *states = cell(6, return_state=True)(x)
    return _with_decoder(keras.Model(text, states, name="encoder"), size("spelling", "output"), cell)


def captions() -> keras.Model:
    image = keras.Input((8, 8, 1), name="image")
    state = layers.Dense(6, "tanh", kernel_initializer=_large())(layers.Flatten()(image))
    return _with_decoder(keras.Model(image, state, name="encoder"), size("captions", "output"), layers.GRU)


def _with_decoder(encoder: keras.Model, tokens: int, cell: Any) -> keras.Model:
    previous = keras.Input((None,), dtype="int32", name="previous")
    states = [keras.Input((6,)) for _ in encoder.outputs]
    x = layers.Embedding(tokens, 4, embeddings_initializer=_large())(previous)
    h, *after = cell(6, return_sequences=True, return_state=True)(x, initial_state=states)
    p = layers.Dense(tokens, "softmax", kernel_initializer=_large())(h)
    decoder = keras.Model([previous, *states], [p, *after], name="decoder")
    (x,) = encoder.inputs
    source = keras.Input(x.shape[1:], dtype=x.dtype, name=x.name)
    before = keras.Input((None,), dtype="int32", name="previous")
    start = encoder(source)
    p, *_ = decoder([before, *(start if isinstance(start, list) else [start])])
    return keras.Model({x.name: source, "previous": before}, p)


def places() -> keras.Model:
    """Returns a regressor with the ids of a country and a city as inputs."""
    ids = keras.Input((2,), dtype="int32", name="ids")
    sizes = size("places", "country"), size("places", "city")
    rows = [
        layers.Embedding(count, 3, embeddings_initializer=_large(), name=f"field_{number}")(ids[:, number - 1])
        for number, count in enumerate(sizes, 1)
    ]
    return keras.Model(ids, layers.Dense(1, name="prediction")(layers.Concatenate()(rows)))


def words() -> keras.Model:
    word = keras.Input((1,), dtype="int32", name="word")
    candidates = keras.Input((None,), dtype="int32", name="candidates")
    tables = [
        layers.Embedding(size("words", "word"), 4, embeddings_initializer=_large(), name=name)
        for name in ("embedding", "output_embedding")
    ]
    products = layers.Dot((2, 1))([tables[1](candidates), layers.Flatten()(tables[0](word))])
    return keras.Model({"word": word, "candidates": candidates}, layers.Activation("sigmoid", name="scores")(products))


def texts_of(model: keras.Model) -> dict[str, dict[str, Any]]:
    """Returns invented token names for the ids of a model, by the role of the ids."""
    tables = {layer.name: layer.input_dim for layer in model.layers if isinstance(layer, layers.Embedding)}
    fields = {name: size for name, size in tables.items() if name.startswith("field_")}
    if fields:
        return {name.replace("field", "city"): _names(size, "whole") for name, size in fields.items()}
    if "output_embedding" in tables:
        return {"word": _names(tables["embedding"], "words")}
    parts = {layer.name: layer for layer in model.layers if isinstance(layer, keras.Model)}
    if parts.keys() >= {"encoder", "decoder"}:
        read = [layer.input_dim for layer in parts["encoder"].layers if isinstance(layer, layers.Embedding)]
        written = _names(parts["decoder"].outputs[0].shape[-1], "spaces")
        written["names"][:2] = ["[START]", "[END]"]
        return {"output": written} | ({"text": _names(*read, "characters")} if read else {})
    return {"text": _names(*tables.values(), "words")} if tables else {}


def _names(size: int, split: str) -> dict[str, Any]:
    first = ord("a")
    return {"names": [chr(first + at) if split == "characters" else f"w{at}" for at in range(size - 2)], "split": split}
