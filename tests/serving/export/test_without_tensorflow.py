"""Exports a small model of each kind, and compares the answers without TensorFlow with those of TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.models import list_models
from keras_gallery.preparation.description import CategoryColumn, NumberColumn, Pictures, Table, Threshold
from keras_gallery.serving import saved_model
from keras_gallery.serving.engines.openvino.engine import OpenVino
from keras_gallery.serving.engines.openvino.files import OpenVinoFiles
from keras_gallery.serving.export.openvino import named
from keras_gallery.serving.export.writing import export, operations
from keras_gallery.serving.signatures import endpoints

from ...models.registered import small
from ..text_models import texts_of

BATCHES = (1, 3, 8)
TOLERANCE = 1e-5  # of the largest number in an output


def as_bytes(array: Any) -> Any:
    """Returns the array as the server reads it from a request: strings are bytes."""
    if array.dtype.kind not in "OU":
        return array
    rows = [each.encode() if isinstance(each, str) else each for each in array.ravel().tolist()]
    return np.array([*rows, None], object)[:-1].reshape(array.shape)


def assert_equal(got: Any, want: Any, what: str) -> None:
    assert got.shape == want.shape and got.dtype == want.dtype, what
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want, what)
    else:
        largest = max(1.0, np.abs(want).max(initial=0))
        np.testing.assert_allclose(got, want, rtol=TOLERANCE, atol=TOLERANCE * largest, err_msg=what)


# The models whose inputs are prepared as in training on a user's own data.
PREPARED: dict[str, Any] = {
    "mlp_classifier": Pictures(8, 8, 1),
    "convolutional_autoencoder": Pictures(8, 8, 1, "pad", threshold=Threshold(5.0, 0.05)),
    "mlp_regressor": Table((*(NumberColumn(f"x{at}") for at in range(4)), CategoryColumn("kind", ("a", "b")))),
}
CASES = [(name, None) for name in list_models()] + list(PREPARED.items())


@pytest.mark.parametrize(("name", "preparation"), CASES, ids=[f"{name}{'-prepared' * bool(p)}" for name, p in CASES])
def test_every_signature_is_answered_as_by_tensorflow(name: str, preparation: Any, tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    model = small(name, **({"input_shape": (8, 8, 1)} if isinstance(preparation, Pictures) and "mlp" in name else {}))
    options = {"texts": texts_of(model), "preparation": preparation}
    folder = export(model, name, tmp_path, **options)
    definitions = saved_model.read_signatures(folder)
    runners = OpenVino(OpenVinoFiles(tmp_path / "cache")).load(folder, definitions)
    assert runners.keys() == definitions.keys()
    if name != "variational_autoencoder":
        assert not any("Random" in each for each in operations(saved_model.read_meta_graph(folder).graph_def))
    loaded = tf.saved_model.load(str(folder))
    for signature, endpoint in endpoints(model, seed=7, **options).items():
        for batch in BATCHES:
            inputs = {key: as_bytes(value) for key, value in named(endpoint, endpoint.example(batch)).items()}
            want = loaded.signatures[signature](
                **{each.name: tf.constant(inputs[endpoint.names.get(each.name, each.name)]) for each in endpoint.inputs}
            )
            got = runners[signature](inputs, list(want))
            for output, value in want.items():
                assert_equal(got[output], value.numpy(), f"{signature}, batch {batch}, {output}")
