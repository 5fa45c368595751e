"""Compares the answers of an exported model without TensorFlow with those of TensorFlow, for all its signatures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras_gallery.serving import saved_model
from keras_gallery.serving.engines.openvino.engine import OpenVino
from keras_gallery.serving.engines.openvino.files import OpenVinoFiles
from keras_gallery.serving.export.openvino import named
from keras_gallery.serving.signatures import endpoints

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


def check(model: keras.Model, folder: Path, cache: Path, **options: Any) -> None:
    """Asks every signature both ways, with several batch sizes. Strings and integers must be equal.

    Args:
        model: the Keras model.
        folder: the folder of the exported version.
        cache: an empty folder.
        options: the options of the export.
    """
    runners = OpenVino(OpenVinoFiles(cache)).load(folder, saved_model.read_signatures(folder))
    loaded = tf.saved_model.load(str(folder))
    assert runners.keys() == set(loaded.signatures)
    for signature, endpoint in endpoints(model, seed=7, **options).items():
        for batch in BATCHES:
            inputs = {key: as_bytes(value) for key, value in named(endpoint, endpoint.example(batch)).items()}
            want = loaded.signatures[signature](
                **{each.name: tf.constant(inputs[endpoint.names.get(each.name, each.name)]) for each in endpoint.inputs}
            )
            got = runners[signature](inputs, list(want))
            for output, value in want.items():
                assert_equal(got[output], value.numpy(), f"{signature}, batch {batch}, {output}")
