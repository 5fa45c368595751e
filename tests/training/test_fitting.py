"""Tests of the training loop: checkpoints, early stopping, class weights, mixed precision and logs."""

from __future__ import annotations

import dataclasses
import logging
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.training import load, load_recipe
from keras_gallery.training import logs as logs_module
from keras_gallery.training.best_weights import BestWeights
from keras_gallery.training.checkpoints import Checkpoints
from keras_gallery.training.data.batches import Batches
from keras_gallery.training.data.dataset import Dataset, checksum
from keras_gallery.training.devices import EvenBatches
from keras_gallery.training.errors import BadResume, Diverged
from keras_gallery.training.fitting import build, class_weights, fit, training_data
from keras_gallery.training.logs import TimeLeft, duration
from keras_gallery.training.settings import TrainConfig, check
from keras_gallery.training.tasks import TASKS, Task
from keras_gallery.training.unfinished import Unfinished

import keras_gallery as kg

from ..models.registered import pictures, small


def task_of(**changes: Any) -> tuple[TrainConfig, Task]:
    """Returns the settings and the task of a classifier of few digits."""
    config, recipe = check(TrainConfig("mlp_classifier", dataset="digits", epochs=4, batch_size=32))
    whole = load("digits")
    few = {name: getattr(whole, name)[:80] for name in ("x_train", "y_train", "x_test", "y_test")}
    dataset = dataclasses.replace(whole, **few)
    return config, TASKS[recipe.task](dataclasses.replace(recipe, xla=False, **changes), dataset, 0)


def trained(folder: Unfinished, resume: bool, keep: Path) -> tuple[keras.Model, BestWeights]:
    config, task = task_of()
    best = BestWeights()
    checkpoints = Checkpoints(folder, best, checksum(*task.training))

    class Copy(keras.callbacks.Callback):
        """Copies the checkpoint after two epochs."""

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            checkpoints.flush()
            if epoch == 1 and folder.checkpoint is not None:
                keep.write_bytes(folder.checkpoint.read_bytes())

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(), keras.layers.Dropout(0.5), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    restore = checkpoints.restore if resume else None
    fit(model, task, config, best, lambda: [checkpoints, Copy()], restore, verbose=0)
    return model, best


def test_the_old_state_is_freed_before_the_new_one(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((1_000,)), keras.layers.Dense(1_000)])  # 4 MB
    model.compile("adam")
    model.optimizer.build(model.trainable_variables)
    checkpoints = Checkpoints(Unfinished(tmp_path, {}), BestWeights(), "")
    checkpoints.set_model(model)
    checkpoints._next = np.inf  # nothing is written
    tracemalloc.start()
    try:
        checkpoints.on_epoch_end(0)
        state, peak = tracemalloc.get_traced_memory()
        checkpoints.on_epoch_end(1)
        assert tracemalloc.get_traced_memory()[1] < 1.1 * peak and state > 12e6
    finally:
        tracemalloc.stop()


def test_dropout_after_a_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The states of the random numbers are part of the checkpoint. Other data or another model are refused."""
    begun: list[int] = []
    begin = Batches.begin_epoch

    def begin_epoch(self: Batches, epoch: int) -> None:
        begun.append(epoch)
        begin(self, epoch)

    monkeypatch.setattr(Batches, "begin_epoch", begin_epoch)
    folder = Unfinished(tmp_path, {})
    model, best = trained(folder, False, tmp_path / "kept")
    assert folder.checkpoint is not None
    folder.checkpoint.write_bytes((tmp_path / "kept").read_bytes())
    again, other_best = trained(folder, True, tmp_path / "other")
    assert not (tmp_path / "other").exists()  # it began after the second epoch
    assert begun == [0, 0, 1, 2, 3, 0, 2, 3]  # the first 0 is from the constructor
    assert (other_best.history, other_best.epoch) == (best.history, best.epoch)
    for first, second in zip(model.variables, again.variables, strict=True):
        np.testing.assert_array_equal(first, second)
    with pytest.raises(BadResume, match="its training data have changed"):
        Checkpoints(folder, BestWeights(), 1).restore(model)
    small = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    small.compile("adam")
    _, task = task_of()
    with pytest.raises(BadResume, match="The checkpoint .* is of another model."):
        Checkpoints(folder, BestWeights(), checksum(*task.training)).restore(small)
    folder.checkpoint.write_bytes(b"PK damaged")
    with pytest.raises(BadResume, match="Cannot read the checkpoint"):
        Checkpoints(folder, BestWeights(), 0).restore(model)
    folder.release()


def test_a_full_disk_does_not_end_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Unfinished(tmp_path / "gru", {})

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam")
    checkpoints = Checkpoints(folder, BestWeights(), 0)
    checkpoints.set_model(model)
    with caplog.at_level(logging.WARNING):
        for epoch in range(3):
            checkpoints.on_epoch_end(epoch)
            checkpoints.flush()
    (record,) = caplog.records
    assert record.getMessage().endswith("gru: No space left on device. The training goes on.")
    assert not list((tmp_path / "gru").iterdir())


def test_clipped_gradient_moves_the_weights_by_the_norm() -> None:
    """A step of gradient descent moves all weights together by η times the norm of the gradient, at most `clipnorm`."""
    moves = []
    for clipnorm in (0.0, 0.01, 1e3):
        config, task = task_of(clipnorm=clipnorm, optimizer="gradient_descent", schedule="constant")
        config = dataclasses.replace(config, epochs=1, batch_size=80, learning_rate=0.5)
        keras.utils.set_random_seed(0)
        model = build(config.model, {"input_shape": (8, 8, 1), "hidden": (4,)}, task)
        before = model.get_weights()
        fit(model, task, config, BestWeights(), verbose=0)
        changes = [(new - old).ravel() for new, old in zip(model.get_weights(), before, strict=True)]
        moves.append(float(np.linalg.norm(np.concatenate(changes))))
    assert moves[1] == pytest.approx(0.5 * 0.01, rel=1e-3)
    assert moves[0] == pytest.approx(moves[2]) and moves[0] > 2 * moves[1]


@pytest.mark.parametrize(("schedule", "warmup"), [("constant", 0.5), ("cosine", 0.0), ("cosine", 0.5)])
def test_learning_rate_of_each_step(schedule: str, warmup: float) -> None:
    """With `cosine`, the rate rises in a line from 0 for half of the 12 steps, and then falls along half a cosine."""
    config, task = task_of(warmup=warmup, schedule=schedule)
    config = dataclasses.replace(config, learning_rate=0.01)
    rates: list[float] = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
            rates.append(float(self.model.optimizer.learning_rate))

    model = build(config.model, {"input_shape": (8, 8, 1), "hidden": (4,)}, task)
    fit(model, task, config, BestWeights(), lambda: [Watch()], verbose=0)
    first = 6 if warmup else 0
    falling = (1 + np.cos(np.pi * np.arange(12 - first) / (12 - first))) / 2
    expected = np.concatenate([np.arange(first) / 6, falling]) if schedule == "cosine" else np.ones(12)
    np.testing.assert_allclose(rates, 0.01 * expected, atol=1e-6)


def test_early_stop() -> None:
    best = BestWeights(patience=2)
    best.set_model(SimpleNamespace(stop_training=False, get_weights=lambda: [1]))
    for epoch, loss in enumerate((3.0, 2.0, 2.5, 2.0)):
        assert not best.model.stop_training
        best.on_epoch_end(epoch, {"loss": loss, "val_loss": loss})
    assert best.model.stop_training and best.is_early_stop and best.epoch == 2
    assert not BestWeights().is_early_stop


def test_class_weights() -> None:
    assert class_weights(np.array([0, 0, 0, 2])) == {0: pytest.approx(4 / 6), 2: pytest.approx(2.0)}
    config, task = task_of(class_weights="balanced")
    model = SimpleNamespace()
    arguments, (x, y, weights) = training_data(model, task, 32, 0)
    assert arguments["class_weight"] == class_weights(task.training.y) and isinstance(arguments["x"], Batches)
    np.testing.assert_allclose(weights, [arguments["class_weight"][int(label)] for label in y], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "scale"), [("denoising_autoencoder", 3), ("overcomplete_autoencoder", 3), ("variational_autoencoder", 1)]
)
@pytest.mark.usefixtures("eager")
def test_layers_that_act_only_in_training(name: str, scale: int) -> None:
    """The validation loss of equal images is their training loss, with noise. Later, the models add no noise."""
    keras.utils.set_random_seed(0)
    model, recipe = small(name), load_recipe(name)
    for weight in model.trainable_weights:
        weight.assign(scale * weight)  # with larger weights, the noise changes the loss more
    images = np.repeat(pictures(model.input_shape, 1), 4_000, axis=0)
    labels = np.zeros(len(images), int)
    task = TASKS[recipe.task](recipe, Dataset("equal", images, labels, images, labels, "", ("a",)), 0)
    config, best = TrainConfig(name, epochs=1, batch_size=500, learning_rate=1e-12, seed=0), BestWeights()
    before = keras.ops.convert_to_numpy(model(images[:1]))
    fit(model, task, config, best, verbose=0)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(images[:1])), before, atol=1e-6)
    loss, validation = best.history["loss"][0], best.history["val_loss"][0]
    without_noise = model.evaluate(images[:1], task.validation(model)[1][:1], verbose=0)
    assert abs(validation - loss) < abs(without_noise - loss) / 4


def test_mixed_precision() -> None:
    """The dtype policy is set only while the model is built, and both models have the same weights."""
    config, task = task_of(mixed_precision="bfloat16")
    keras.utils.set_random_seed(0)
    model = build(config.model, {"input_shape": (8, 8, 1), "hidden": (4,)}, task)
    assert keras.config.dtype_policy().name == "float32"
    assert {layer.compute_dtype for layer in model.layers if layer.weights} == {"bfloat16"}
    assert {str(weight.dtype) for weight in model.weights} == {"float32"}


def test_a_model_of_float16_is_exported_in_float32(tmp_path: Path) -> None:
    """The oracle is the formula of the network in NumPy, with the weights of the run."""
    run = kg.train(
        "mlp_classifier", dataset="digits", hidden=(8,), epochs=1, mixed_precision="float16", seed=1, runs=tmp_path
    )
    x = load("digits").x_test[:50]
    w_1, b_1, w_2, b_2 = (weight.astype(np.float64) for weight in run.model.get_weights())
    logits = np.maximum(x.reshape(50, -1) @ w_1 + b_1, 0) @ w_2 + b_2
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    version = kg.export(run, saved_models=tmp_path / "saved")
    import tensorflow as tf

    classify = tf.saved_model.load(version).signatures["classify"]
    np.testing.assert_allclose(classify(image=tf.constant(x))["probabilities"], expected, rtol=1e-5, atol=1e-7)


def test_numbers_that_float16_does_not_have() -> None:
    config, recipe = check(TrainConfig("mlp_regressor", dataset="diabetes", epochs=1, mixed_precision="float16"))
    whole = load("diabetes")
    dataset = dataclasses.replace(whole, y_train=whole.y_train * 1e4)
    task = TASKS[recipe.task](dataclasses.replace(recipe, xla=False), dataset, 0)
    model = build(config.model, {"input_shape": (10,), "hidden": (4,), "outputs": 1}, task)
    with pytest.raises(
        Diverged, match=r"The loss became (nan|inf) in epoch 1. float16 has no numbers above 65,504. Use bfl"
    ):
        fit(model, task, config, BestWeights(), verbose=0)


def test_batches_for_several_devices() -> None:
    x = np.arange(7)
    batches = EvenBatches(Batches(x, x * 2, 4, 0), 3)
    sizes = [len(batches[index][0]) for index in range(len(batches))]
    assert sizes == [6, 3]
    inputs, targets = batches[0]
    np.testing.assert_array_equal(inputs[4:], inputs[:2])
    np.testing.assert_array_equal(targets, inputs * 2)


def test_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(logs_module.time, "monotonic", lambda: now)
    lines: list[str] = []
    callback = TimeLeft(100, lines.append)
    callback.on_train_begin()
    for epoch in range(40, 100):  # a resumed training
        now += 200 if epoch == 40 else 20  # Keras compiles the model in the first epoch
        callback.on_epoch_end(epoch)
    assert lines[0] == "Finished epoch 42 of 100; 19 min left" and len(lines) == 20
    assert [duration(seconds) for seconds in (0.1, 89, 90, 3 * 3600 + 300)] == ["1 s", "89 s", "2 min", "3 h 5 min"]
