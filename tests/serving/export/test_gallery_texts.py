"""Checks the signatures of a small, untrained model of each recurrent network and embedding model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.models import describe, list_models
from keras_gallery.serving.signatures import endpoints

from ...models.registered import VARIANTS, small
from ..text_models import texts_of

REGRESSOR = {"regress", "embed", "regress_padded", "embed_padded"}
FORECASTER = {"forecast", "embed", "forecast_padded", "embed_padded"}
WORDS = {"embed", "nearest", "analogy"}
EXPECTED: dict[str, set[str]] = {
    "conv1d_gru": {"classify", "embed", "classify_padded", "embed_padded"},
    "deep_rnn": FORECASTER | {"step"},
    "encoder_decoder": {"translate", "pronounce", "translate_beam", "pronounce_beam"},
    "entity_embedding": {
        "regress",
        "regress_rows",
        *(f"{name}_city_{at}" for name in ("embed", "nearest") for at in (1, 2)),
    },
    "gru": REGRESSOR,
    "lstm": REGRESSOR,
    "sequence_tagger": {"tag", "step", "tag_text", "step_text"},
    "sequence_to_sequence": FORECASTER,
    "sequence_to_vector": {"classify", "embed", "classify_text", "embed_text"},
    "simple_rnn": REGRESSOR,
    "vector_to_sequence": {"caption", "caption_png", "caption_beam", "caption_beam_png"},
    "word2vec_cbow": WORDS,
    "word2vec_skipgram": WORDS,
}
NAMES = [name for name in list_models() if describe(name).family in ("recurrent", "embeddings")]


CASES = [(name, variant) for name in NAMES for variant in [{}, *VARIANTS.get(name, [])]]


@pytest.mark.parametrize(("name", "variant"), CASES, ids=str)
def test_signatures_of_every_variant(name: str, variant: dict[str, Any]) -> None:
    model = small(name, **variant)
    signatures = endpoints(model, texts=texts_of(model))
    needs_whole = variant.get("bidirectional") or variant.get("season")  # the model does not answer step by step
    steps = {"step", "step_text"} if needs_whole else set()
    assert signatures.keys() == ({"serving_default"} | EXPECTED[name]) - steps
    for endpoint in {id(each): each for each in signatures.values()}.values():
        inputs = endpoint.example(2)
        for answer in endpoint.function(*(tf.constant(inputs[spec.name]) for spec in endpoint.inputs)).values():
            assert answer.dtype == "string" or np.isfinite(answer).all()
