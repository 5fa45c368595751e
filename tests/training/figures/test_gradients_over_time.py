"""Compares gradients over time with the chain rule in NumPy and with finite differences."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import create
from keras_gallery.models.normalization import adapt
from keras_gallery.training.data.dataset import Examples
from keras_gallery.training.figures import gradients_over_time
from keras_gallery.training.pictures import gradients_over_time as pictures
from matplotlib.image import imread

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 12, 2)).astype(np.float32), RNG.normal(size=(6, 1)).astype(np.float32)
CASES: list[tuple[str, dict[str, Any]]] = [
    ("simple_rnn", {"activation": "tanh"}),
    ("simple_rnn", {"activation": "relu", "recurrent_initializer": "identity"}),
]


def network(name: str, **hyperparameters: Any) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = create(name, units=5, **hyperparameters)
    adapt(model, X, Y)
    return model


@pytest.mark.parametrize(("name", "hyperparameters"), CASES)
def test_the_chain_rule_over_time(name: str, hyperparameters: dict[str, Any]) -> None:
    """The formulas are ∂ŷ/∂h_T = std y · W_y and ∂ŷ/∂h_t = ∂ŷ/∂h_{t+1} · diag(g'(a_{t+1})) W_hᵀ."""
    model = network(name, **hyperparameters)
    before = model.get_weights()
    w_x, w_h, b = model.get_layer("embedding").get_weights()
    w_y = model.get_layer("output").get_weights()[0]
    z = (X - X.reshape(-1, 2).mean(axis=0)) / X.reshape(-1, 2).std(axis=0)
    h, slopes = np.zeros((6, 5)), []
    for t in range(12):
        a = z[:, t] @ w_x + h @ w_h + b
        h = np.tanh(a) if hyperparameters["activation"] == "tanh" else np.maximum(a, 0)
        slopes.append(1 - h**2 if hyperparameters["activation"] == "tanh" else (a > 0) * 1.0)
    gradient = np.repeat(Y.std() * w_y.T, 6, axis=0)  # (n, units)
    expected = []
    for slope in reversed(slopes):
        expected.insert(0, np.linalg.norm(gradient, axis=1).mean())
        gradient = (gradient * slope) @ w_h.T
    np.testing.assert_allclose(gradients_over_time.output_gradients(model, X), expected, rtol=1e-4)
    for new, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(new, old)  # the measurement does not change the model


@pytest.mark.parametrize(("name", "hyperparameters"), [("lstm", {}), ("gru", {}), ("gru", {"reset_after": False})])
def test_gated_cells_by_finite_differences(name: str, hyperparameters: dict[str, Any]) -> None:
    """Changes each value of the second to last state a little, and compares the change of ŷ with the gradient."""
    model = network(name, **hyperparameters)
    layer, output, prediction = (model.get_layer(part) for part in ("embedding", "output", "prediction"))
    z = keras.ops.convert_to_numpy(model.get_layer("normalization")(X))

    def state_after(steps: int) -> list[np.ndarray]:
        states = layer.cell.get_initial_state(batch_size=len(X))
        states = list(states) if isinstance(states, (list, tuple)) else [states]
        for t in range(steps):
            states = layer.cell(z[:, t], states)[1]
        return [np.asarray(keras.ops.convert_to_numpy(each)) for each in states]

    def y_hat(states: list[np.ndarray]) -> np.ndarray:
        h, _ = layer.cell(z[:, -1], states)
        return np.asarray(keras.ops.convert_to_numpy(prediction(output(h)))).astype(np.float64)[:, 0]

    states, step = state_after(11), 1e-2
    gradients = []
    for index, state in enumerate(states):
        for unit in range(state.shape[1]):
            moved = [[each.copy() for each in states] for _ in range(2)]
            moved[0][index][:, unit] += step
            moved[1][index][:, unit] -= step
            gradients.append((y_hat(moved[0]) - y_hat(moved[1])) / (2 * step))
    expected = np.linalg.norm(np.stack(gradients), axis=0).mean()
    assert len(gradients) == (10 if name == "lstm" else 5)
    assert gradients_over_time.output_gradients(model, X)[-2] == pytest.approx(expected, rel=1e-2)


def test_recorded_norm_equals_gradient_norm() -> None:
    model, examples = network("gru"), Examples(X, Y)
    optimizer = gradients_over_time.NormRecordingSGD(0.5)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, "mse")
    before = [np.array(keras.ops.convert_to_numpy(weight)) for weight in model.trainable_weights]
    model.train_on_batch(*examples)
    after = [np.array(keras.ops.convert_to_numpy(weight)) for weight in model.trainable_weights]
    expected = np.sqrt(sum(np.sum(np.square(a - b)) for a, b in zip(after, before, strict=True))) / 0.5
    assert float(keras.ops.convert_to_numpy(optimizer.norm)) == pytest.approx(expected, rel=1e-4)


def test_figures_and_pictures(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradients_over_time, "STEPS", 4)
    model = network("simple_rnn")
    figures = gradients_over_time.measure(model, Examples(X, Y), lambda line: None)
    assert [len(curve) for curve in figures["memory"].values()] == [12, 12]
    assert [len(curve) for curve in figures["clipping"].values()] == [4, 4]
    figures["clipping"]["not clipped"] = [1.0, 1e9]  # diverged after two steps
    pictures.draw(tmp_path, "title", figures)
    pictures.draw_all(tmp_path, {"simple_rnn": {"adding": {"seeds": {"0": figures}}}})
    names = {path.stem for path in tmp_path.glob("*.png")}
    assert names == {"gradient_norms", "clipping", "memory_before", "memory_after"}
    assert all(imread(path).std() > 0.05 for path in tmp_path.glob("*.png"))


def test_other_models_have_no_figures() -> None:
    model = create("mlp_regressor", input_shape=(3,), hidden=(2,), outputs=1)
    assert (
        gradients_over_time.measure(model, Examples(np.ones((1, 3), np.float32), np.ones((1, 1), np.float32)), print)
        == {}
    )
    pictures.draw(None, "title", {})  # type: ignore[arg-type]
