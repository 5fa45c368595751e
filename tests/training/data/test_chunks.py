"""Tests of chunks: they have at most 8 MiB, and together they are all examples."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras_gallery.training.data import chunks
from keras_gallery.training.data.chunks import chunk_size, predict
from keras_gallery.training.data.dataset import Dataset, hold_out


@pytest.mark.parametrize(
    ("shape", "most", "size"), [((1 << 21,), 256, 1), ((1 << 22,), 256, 1), ((1 << 20,), 256, 2), ((4,), 256, 256)]
)
def test_a_chunk_has_at_most_8_mebibytes_or_one_example(shape: tuple[int, ...], most: int, size: int) -> None:
    assert chunk_size(shape, most) == size


def test_chunks_are_all_examples_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 4 * 3 * 4)  # four examples of three values
    examples = np.arange(30).reshape(10, 3)
    parts = [examples[some] for some in chunks.chunks(examples)]
    assert [len(part) for part in parts] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(parts), examples)
    assert list(chunks.chunks(examples[:0])) == []


@pytest.mark.parametrize(("inputs", "outputs", "size"), [(3, 3, 8), (24, 3, 1), (3, 12, 2)])
def test_a_prediction_uses_small_batches_of_inputs_and_outputs(
    inputs: int, outputs: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 4 * 24)
    model = keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(outputs)])
    sizes = []
    whole = model.predict
    monkeypatch.setattr(
        model, "predict", lambda x, **options: sizes.append(options["batch_size"]) or whole(x, **options)
    )
    x = np.random.default_rng(0).random((9, inputs), np.float32)
    np.testing.assert_allclose(predict(model, x), x @ model.get_weights()[0], rtol=1e-5, atol=1e-6)
    assert sizes == [size]


def test_the_parts_of_a_dataset_are_views_if_the_validation_split_is_its_end() -> None:
    x, y = np.arange(40.0).reshape(10, 4), np.arange(10)
    training, held_out = hold_out(Dataset("own", x, y, x[:1], y[:1], "", validation=np.array([7, 8, 9])), seed=0)
    assert np.shares_memory(training.x, x) and np.shares_memory(held_out.x, x)
    np.testing.assert_array_equal(training.y, range(7))
    np.testing.assert_array_equal(held_out.y, [7, 8, 9])
    training, held_out = hold_out(Dataset("own", x, y, x[:1], y[:1], "", validation=np.array([2, 9])), seed=0)
    np.testing.assert_array_equal(training.y, [0, 1, 3, 4, 5, 6, 7, 8])
    np.testing.assert_array_equal(held_out.y, [2, 9])
