"""Exports a small model of each kind, and compares the answers without TensorFlow with those of TensorFlow.

`test_gallery_models.py` does the same with the autoencoders that it exports.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest
from keras_gallery.models import list_models
from keras_gallery.preparation.description import CategoryColumn, NumberColumn, Pictures, Table, Threshold
from keras_gallery.serving import saved_model
from keras_gallery.serving.export.writing import export, operations

from ...models.registered import small
from ..text_models import texts_of
from .test_gallery_models import SERVED
from .without_tensorflow import check

# The models whose inputs are prepared as in training on a user's own data.
PREPARED: dict[str, Any] = {
    "mlp_classifier": Pictures(8, 8, 1),
    "convolutional_autoencoder": Pictures(8, 8, 1, "pad", threshold=Threshold(5.0, 0.05)),
    "mlp_regressor": Table((*(NumberColumn(f"x{at}") for at in range(4)), CategoryColumn("kind", ("a", "b")))),
}
# Hyperparameters with which a model has other graphs of its signatures.
OTHERS: dict[str, dict[str, Any]] = {
    "sequence_tagger": {"bidirectional": True},
    "vector_to_sequence": {"feed": "every_step"},
}
CASES = [
    *(pytest.param(name, None, {}, id=name) for name in list_models() if name not in SERVED),
    *(pytest.param(name, preparation, {}, id=f"{name}-prepared") for name, preparation in PREPARED.items()),
    *(pytest.param(name, None, options, id=f"{name}-{'-'.join(options)}") for name, options in OTHERS.items()),
]


@pytest.mark.parametrize(("name", "preparation", "hyperparameters"), CASES)
def test_every_signature_is_answered_as_by_tensorflow(
    name: str, preparation: Any, hyperparameters: dict[str, Any], tmp_path: Path
) -> None:
    keras.utils.set_random_seed(1)
    shape = {"input_shape": (8, 8, 1)} if isinstance(preparation, Pictures) and "mlp" in name else {}
    model = small(name, **shape, **hyperparameters)
    options = {"texts": texts_of(model), "preparation": preparation}
    folder = export(model, name, tmp_path, **options)
    check(model, folder, tmp_path / "cache", **options)
    assert not any("Random" in each for each in operations(saved_model.read_meta_graph(folder).graph_def))
