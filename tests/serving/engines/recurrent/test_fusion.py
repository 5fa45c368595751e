"""Tests that recurrent layers become fused operations, that other loops stay, and that outputs equal TensorFlow's."""

from __future__ import annotations

import collections
import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.engines.openvino.conversion import Converter
from keras_gallery.serving.engines.openvino.engine import make_core
from keras_gallery.serving.engines.openvino.files import OpenVinoFiles
from keras_gallery.serving.engines.recurrent.fusion import fuse, loops
from keras_gallery.serving.quiet import quiet_import

with quiet_import(), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import tensorflow as tf

    from . import recurrent_models as examples

TOLERANCE = 1e-5
BATCHES = (1, 7, 32)
LENGTHS = (1, 2, 6, 11)
Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module", autouse=True)
def _without_warnings() -> Iterator[None]:
    """Ignores TensorFlow's deprecation warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Any]]:
    """Returns a function that saves a model of `examples.FUSED` by name, and returns the folder and the Keras model."""

    @functools.cache
    def save(name: str) -> tuple[Path, Any]:
        folder = tmp_path_factory.mktemp(name)
        layers, length, _ = examples.FUSED[name]
        return folder, examples.save(folder, layers, length)

    return save


def fused(folder: Path) -> Any:
    model = make_core().read_model(folder)
    assert loops(model)
    fuse(model)
    return model


def operations(model: Any) -> int:
    """Returns the number of fused recurrent operations."""
    counts = collections.Counter(node.get_type_name() for node in model.get_ordered_ops())
    return sum(counts[name] for name in ("LSTMSequence", "GRUSequence", "RNNSequence"))


def check(folder: Path, model: Any, lengths: Sequence[int]) -> None:
    """Compares all outputs with TensorFlow's outputs of the SavedModel."""
    compiled = make_core().compile_model(model, "CPU")
    loaded = tf.saved_model.load(str(folder))
    run = loaded.signatures["serving_default"]
    names = {name for output in compiled.outputs for name in output.get_names()}
    for batch in BATCHES:
        for length in lengths:
            x = examples.series(batch, length)
            got, expected = compiled([x]), run(x=tf.constant(x))
            assert expected.keys() <= names
            for name, want in expected.items():
                np.testing.assert_allclose(got[name], want.numpy(), rtol=0, atol=TOLERANCE)


# === Keras layers ===


@pytest.mark.parametrize("name", examples.FUSED)
def test_a_layer_becomes_one_operation(saved: Callable[[str], tuple[Path, Any]], name: str) -> None:
    folder, _ = saved(name)
    model = fused(folder)
    _, length, count = examples.FUSED[name]
    assert operations(model) == count
    assert not loops(model)
    check(folder, model, [length] if length else LENGTHS)


def test_fused_operations_stay_single_operations(saved: Callable[[str], tuple[Path, Any]]) -> None:
    """OpenVINO compiles some recurrent operations into loops. The operations of these models must not become loops."""
    for name in ("lstm", "gru", "gru_reset_before", "simple", "simple_relu"):
        compiled = make_core().compile_model(fused(saved(name)[0]), "CPU")
        layer_types = {node.get_rt_info()["layerType"].astype(str) for node in compiled.get_runtime_model().get_ops()}
        assert "RNNSeq" in layer_types
        assert not layer_types & {"Loop", "TensorIterator"}


@pytest.mark.parametrize("name", examples.NOT_FUSED)
def test_unsupported_layers_stay_loops(tmp_path: Path, name: str) -> None:
    examples.save(tmp_path, examples.NOT_FUSED[name])
    model = fused(tmp_path)
    assert operations(model) == 0
    assert len(loops(model)) == 1
    check(tmp_path, model, LENGTHS)


def test_one_of_two_layers_is_fused(tmp_path: Path) -> None:
    examples.save(tmp_path, lambda x: examples.NOT_FUSED["other_gates"](examples.FUSED["lstm"][0](x)[0]))
    model = fused(tmp_path)
    assert operations(model) == 1
    assert len(loops(model)) == 1
    check(tmp_path, model, LENGTHS)


# === Comparison with the formulas of each step ===


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def lstm(x: Array, h: Array, c: Array, kernel: Array, recurrent: Array, bias: Array) -> tuple[Array, ...]:
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(x: Array, h: Array, kernel: Array, recurrent: Array, bias: Array) -> tuple[Array, ...]:
    xz, xr, xg = np.split(x @ kernel + bias[0], 3, axis=1)
    hz, hr, hg = np.split(h @ recurrent + bias[1], 3, axis=1)
    z, g = sigmoid(xz + hz), np.tanh(xg + sigmoid(xr + hr) * hg)
    return (z * h + (1 - z) * g,)


def gru_reset_before(x: Array, h: Array, kernel: Array, recurrent: Array, bias: Array) -> tuple[Array, ...]:
    xz, xr, xg = np.split(x @ kernel + bias, 3, axis=1)
    rz, rr, rg = np.split(recurrent, 3, axis=1)
    z, r = sigmoid(xz + h @ rz), sigmoid(xr + h @ rr)
    return (z * h + (1 - z) * np.tanh(xg + (r * h) @ rg),)


def simple(x: Array, h: Array, kernel: Array, recurrent: Array, bias: Array) -> tuple[Array, ...]:
    return (np.tanh(x @ kernel + h @ recurrent + bias),)


@pytest.mark.parametrize("step", [lstm, gru, gru_reset_before, simple])
def test_outputs_equal_the_formulas(
    saved: Callable[[str], tuple[Path, Any]], step: Callable[..., tuple[Array, ...]]
) -> None:
    folder, keras_model = saved(step.__name__)
    weights = [weight.astype(np.float64) for weight in keras_model.get_weights()]
    compiled = make_core().compile_model(fused(folder), "CPU")
    for batch in BATCHES:
        x = examples.series(batch, 9)
        states: tuple[Array, ...] = tuple(np.zeros((batch, examples.UNITS)) for _ in range(2 if step is lstm else 1))
        expected = []
        for at in range(9):
            states = step(x[:, at], *states, *weights)
            expected.append(states[0])
        np.testing.assert_allclose(compiled([x])[0], np.stack(expected, axis=1), rtol=0, atol=TOLERANCE)


# === Loops that differ from a Keras layer in one point ===


@pytest.mark.parametrize("name", examples.EXACT)
def test_a_loop_like_keras_is_fused(tmp_path: Path, name: str) -> None:
    """Loops that equal Keras's loops are fused. Each loop of the next test differs from Keras in one point."""
    examples.save_loop(tmp_path, **examples.EXACT[name])
    model = fused(tmp_path)
    assert operations(model) == 1
    assert not loops(model)
    check(tmp_path, model, LENGTHS)


@pytest.mark.parametrize("name", examples.DIFFERENT)
def test_a_loop_that_differs_from_keras_stays(tmp_path: Path, name: str) -> None:
    examples.save_loop(tmp_path, **examples.DIFFERENT[name])
    model = fused(tmp_path)
    assert operations(model) == 0
    assert len(loops(model)) == 1


# === Conversion ===


def test_the_conversion_fuses_layers(saved: Callable[[str], tuple[Path, Any]], files: OpenVinoFiles) -> None:
    folder, _ = saved("three_layers")
    assert Converter(files).prepare(folder)
    index = files.of(folder)
    assert index is not None
    assert index.reasons["serving_default"].startswith("openvino")
    assert Path(index.signatures["serving_default"].file).read_text().count('Sequence"') == 3


def test_the_conversion_leaves_other_loops_to_tensorflow(tmp_path: Path, files: OpenVinoFiles) -> None:
    examples.save(tmp_path, examples.NOT_FUSED["other_activation"])
    assert not Converter(files).prepare(tmp_path)
    index = files.of(tmp_path)
    assert index is not None
    assert index.reasons["serving_default"] == "tensorflow (a loop that is not a recurrent layer)"
