"""Tests of which configurations Keras 2 may load: none that could run code or read files."""

from __future__ import annotations

from typing import Any

import pytest
from keras_gallery.serving.importer.keras2.allowed import is_harmless


def layer(function: str) -> dict[str, Any]:
    return {"class_name": "TFOpLambda", "config": {"name": "layer", "function": function}}


FUNCTIONS = """
    math.add compat.v1.nn.conv2d nn.dropout random.normal image.resize_with_pad zeros fill __operators__.getitem
    compat.v1.shape tensor_scatter_nd_add linalg.diag signal.stft
"""


@pytest.mark.parametrize("function", FUNCTIONS.split())
def test_functions_that_compute(function: str) -> None:
    assert is_harmless({"layers": [layer(function), {"class_name": "Dense"}, {"class_name": "__ellipsis__"}]})


OTHERS = """
    io.write_file io.read_file py_function numpy_function saved_model.load data.Dataset.range print compat.v1.print
    nn.fixed_unigram_candidate_sampler random.fixed_unigram_candidate_sampler map_fn image.decode_png random.set_seed
    keras.models.load_model math.add.x math.__class__.x while_loop function compat.v1.compat.v1.zeros compat.v1.scan
    raw_ops.WriteFile
"""


@pytest.mark.parametrize("function", [*OTHERS.split(), "", "math.add\n"])
def test_other_functions(function: str) -> None:
    assert not is_harmless([layer(function)])


@pytest.mark.parametrize(
    "value",
    [
        {"class_name": "Lambda", "config": {}},
        {"class_name": "TextVectorization", "config": {"vocabulary": "/etc/passwd"}},
        {"class_name": "Custom>Layer"},
        {"class_name": "Dense", "module": "os"},
        {"class_name": "Dense", "module": "kerasx.layers"},
        {"class_name": ["Dense"]},
        {"class_name": "TFOpLambda", "config": "math.add"},
        {"class_name": "TFOpLambda", "config": {"function": ["math.add"]}},
    ],
)
def test_other_classes(value: Any) -> None:
    assert not is_harmless({"config": {"layers": [value]}})


def test_modules_of_keras() -> None:
    assert is_harmless({"class_name": "Dense", "module": "keras.layers"})
