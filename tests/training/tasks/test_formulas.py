"""Compares the loss of the first training step of every model with the formula in the model's docstring.

`FORMULAS` has the line of the docstring that states the loss, and the same formula in NumPy. The loss of the training
includes the penalties, the weights, the masks and the reductions of the model, its task and Keras.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
from keras_gallery.models import describe, list_models
from keras_gallery.preparation.splits import END, PADDING, START
from keras_gallery.training import fitting, load_recipe
from keras_gallery.training.best_weights import BestWeights
from keras_gallery.training.data.dataset import Dataset
from keras_gallery.training.data.series import Series, train_test_windows
from keras_gallery.training.data.tokens import MARKS, NO_TAG, Tokens
from keras_gallery.training.recipe import Recipe
from keras_gallery.training.settings import TrainConfig
from keras_gallery.training.tasks import TASKS
from keras_gallery.training.tasks.detection import BOX_WEIGHT
from keras_gallery.training.tasks.segmentation import FOREGROUND_WEIGHT

from ...models.layer_checks import to_numpy
from ...models.registered import SMALL, VARIANTS, sizes, small

EXAMPLES = 20  # of which 18 are the only batch of the training, and 2 the validation split
RNG = np.random.default_rng(0)


class Step(NamedTuple):
    """What the loss of a training step depends on. `y_hat` is the output of the model in training."""

    model: keras.Model
    hyperparameters: dict[str, Any]
    recipe: Recipe
    dataset: Dataset
    x: Any
    y: Any
    y_hat: Any


def summed(values: np.ndarray) -> float:
    """Returns the sum over the values of an example, averaged over the examples."""
    return float(values.reshape(len(values), -1).sum(axis=1).mean())


def squared_error(step: Step) -> float:
    return summed((step.y_hat - step.y) ** 2)


def binary_cross_entropy(step: Step) -> float:
    x, p = np.asarray(step.y, np.float64), np.asarray(step.y_hat, np.float64)
    return -summed(x * np.log(p) + (1 - x) * np.log(1 - p))


def reconstruction(step: Step) -> float:
    return {"squared_error": squared_error, "binary_crossentropy": binary_cross_entropy}[step.recipe.loss](step)


def code(step: Step) -> tuple[np.ndarray, np.ndarray]:
    """Returns the activations h `(batch, units)` and the kernel W `(values, units)` of the layer `code`."""
    layer = step.model.get_layer("encoder").get_layer("code")
    kernel, bias = (to_numpy(weight) for weight in (layer.kernel, layer.bias))
    a = step.x.reshape(len(step.x), -1) @ kernel + bias
    h = {
        "sigmoid": lambda: 1 / (1 + np.exp(-a)),
        "tanh": lambda: np.tanh(a),
        "relu": lambda: np.maximum(a, 0),
    }[layer.activation.__name__]()
    return h, kernel


def kl(step: Step) -> float:
    h, _ = code(step)
    rho, tanh = step.hyperparameters.get("rho", 0.05), step.hyperparameters.get("code_activation") == "tanh"
    rho_hat = ((h + 1) / 2 if tanh else h).mean(axis=0)
    values = rho * np.log(rho / rho_hat) + (1 - rho) * np.log((1 - rho) / (1 - rho_hat))
    return float(step.hyperparameters["weight"] * values.sum())


def l1(step: Step) -> float:
    return float(step.hyperparameters["weight"] * np.abs(code(step)[0]).sum(axis=1).mean())


def contractive(step: Step) -> float:
    h, kernel = code(step)
    jacobians = (h * (1 - h))[:, None, :] * kernel  # (batch, values, units)
    return step.hyperparameters["weight"] * summed(jacobians**2)


def elbo(step: Step) -> float:
    encoder = step.model.get_layer("encoder")
    outputs = [encoder.get_layer(name).output for name in ("mean", "log_variance")]
    mean, log_variance = (to_numpy(each) for each in keras.Model(encoder.input, outputs)(step.x))
    divergence = 0.5 * summed(mean**2 + np.exp(log_variance) - log_variance - 1)
    return binary_cross_entropy(step) + step.hyperparameters["kl_weight"] * divergence


PENALTIES = {"kl": kl, "l1": l1, "contractive": contractive, "none": lambda step: 0, "corruption": lambda step: 0}


def sparse(step: Step) -> float:
    return reconstruction(step) + PENALTIES[step.hyperparameters["penalty"]](step)


def overcomplete(step: Step) -> float:
    return reconstruction(step) + PENALTIES[step.hyperparameters["regularizer"]](step)


def right(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns the probabilities of the true classes, in the shape of `labels`."""
    return np.take_along_axis(np.asarray(p, np.float64), labels[..., None], axis=-1)[..., 0]


def classes(step: Step) -> float:
    return -float(np.log(right(step.y_hat, step.y)).mean())


def pixels(step: Step) -> float:
    weights = np.where(step.y == len(step.dataset.labels) - 1, 1, 10)
    return -summed(weights * np.log(right(step.y_hat, step.y))) / step.y[0].size


def tokens(step: Step) -> float:
    used = step.y > 0
    assert 0 < used.sum() < used.size
    return -float(np.log(right(step.y_hat, step.y))[used].sum() / used.sum())


def tags(step: Step) -> float:
    used = step.y != NO_TAG
    assert 0 < used.sum() < used.size
    return -float(np.log(right(step.y_hat, np.maximum(step.y, 0)))[used].sum() / used.sum())


def cells(step: Step) -> float:
    labels, boxes = step.y["cell_probabilities"], step.y["cell_boxes"]
    has_centre = labels < len(step.dataset.labels)
    assert has_centre.any()
    distances = np.abs(step.y_hat["cell_boxes"] - boxes[..., :4]).sum(axis=-1)
    return summed(-np.log(right(step.y_hat["cell_probabilities"], labels))) + 5 * summed(has_centre * distances)


def forecasts(step: Step) -> float:
    series = TASKS["forecast"](step.recipe, step.dataset, 0).training.y
    n, horizon, features = step.y.shape
    variance = ((series - series.mean(axis=(0, 1))) ** 2).mean()
    return float(((step.y_hat - step.y) ** 2).sum() / (n * horizon * features) / variance)


def negative_sampling(step: Step) -> float:
    assert (step.y[:, 0] == 1).all() and not step.y[:, 1:].any()
    return float(-(np.log(step.y_hat[:, 0]) + np.log(1 - step.y_hat[:, 1:]).sum(axis=1)).mean())


FORMULAS: dict[str, Callable[[Step], float]] = {
    "minimise L(x, x̂)": reconstruction,
    "minimise Σ_j (x̂_j − x_j)²": squared_error,
    "minimise Σ_j (x̂_j − colour_j)²": squared_error,
    "minimise L(x, x̂), x̂ = D(E(x̃))": reconstruction,
    "minimise L(x, x̂) + λ ‖∂h/∂x‖²_F": lambda step: reconstruction(step) + contractive(step),
    "minimise L(x, x̂) + penalty, where x̂ is computed from x̃ = corrupt(x) for corruption": overcomplete,
    "minimise J_sparse = L(x, x̂) + β Σ_j KL(ρ‖ρ̂_j) for kl, or L(x, x̂) + λ Σ_j |h_j| for l1": sparse,
    "minimise −log p(x|z) + β KL(q(z|x)‖p(z)); for β = 1, its mean over z is an upper bound of −log p(x)": elbo,
    "minimise L = −log ŷ_ℓ, where ℓ is the true class": classes,
    "minimise L = −Σ_i y_i log ŷ_i, where y is the one-hot vector of the true class": classes,
    "minimise L = −1/(height · width) Σ_{ij} w_{ij} log ŷ_{ij,c}, where c is the true class of pixel (i, j)": pixels,
    "minimise L = Σ_c −log p̂_{c,ℓ} + λ Σ_{c with a centre} ‖b̂_c − b_c‖₁, where ℓ is the true class of cell c": cells,
    "minimise L = Σ_j (ŷ_j − y_j)²": squared_error,
    "minimise L = (ŷ − y)²": squared_error,
    "minimise L = 1/N Σ_i Σ_j (ŷ_ij − y_ij)², for N examples": squared_error,
    "minimise L = 1/(N H F) Σ (forecast − series)² / variance of the series, for N windows, H steps and F features": (
        forecasts
    ),
    "minimise L = −1/N Σ_t log p(y_t | y_1 … y_{t−1}, x), for all N tokens of a batch, without padding": tokens,
    "minimise L = 1/N Σ_t L_t, L_t = −log ŷ_t[y_t], where N is the number of steps of all texts, without padding": tags,
    "minimise L = −log score_1 − Σ_{j>1} log(1 − score_j),  where candidate 1 is the true word": negative_sampling,
    "minimise L = −log score_1 − Σ_{j>1} log(1 − score_j),  where candidate 1 is the word nearby": negative_sampling,
}


def vocabulary(size: int, marks: tuple[str, ...] = ()) -> Tokens:
    return Tokens((*marks, *(f"word {number}" for number in range(size - 2 - len(marks)))), "whole")


def texts(ids: int, length: int) -> np.ndarray:
    """Returns target texts: a start mark, tokens, an end mark, and padding."""
    rows = np.zeros((EXAMPLES, length), np.int32)
    for row, end in zip(rows, RNG.integers(2, length, EXAMPLES), strict=True):
        row[: end + 1] = [START, *RNG.integers(4, ids, end - 1), END]
    return rows


def dataset_of(model: keras.Model, task: str, hyperparameters: dict[str, Any]) -> Dataset:
    """Returns random examples that the task and the model accept."""
    first = next(iter(model.input.values())) if isinstance(model.input, dict) else model.input
    shape, vocabularies = sizes(tuple(first.shape)), {}
    if task == "forecast":
        values = (3 + RNG.normal(0, 5, (2 * EXAMPLES + 50, 1))).astype(np.float32)
        windows = train_test_windows(values, 2 * EXAMPLES + 20, *(8, model.output_shape[1]))
        return Series(
            "few", **windows, source="", labels=("a",), test_start=2 * EXAMPLES + 20, season=2, arima=None, ets=None
        )
    x: Any = RNG.random((EXAMPLES, *shape), np.float32)
    if first.dtype == "int32":
        x = RNG.integers(2, 6, (EXAMPLES, *shape), np.int32)
    y: Any = RNG.integers(2, size=EXAMPLES)  # for images of autoencoders, which are not classified
    labels: tuple[str, ...] = ("a", "b")
    if task == "colorize":
        x = RNG.random((EXAMPLES, *model.output_shape[1:]), np.float32)
    if task in ("classify", "classify_text", "segment"):
        labels = tuple("abcdefghijk"[: model.output_shape[-1]])
        y = RNG.integers(len(labels), size=(EXAMPLES, *(shape[:2] if task == "segment" else ())))
    if task in ("regress", "regress_entities"):
        labels = tuple("abc"[: model.output_shape[-1]])
        y = RNG.normal(3, 2, (EXAMPLES, len(labels))).astype(np.float32)
    if task == "regress_entities":
        vocabularies = {str(size): vocabulary(size) for size in hyperparameters["categories"]}
    if task == "detect":
        corners = np.sort(RNG.random((EXAMPLES, 3, 2, 2)), axis=2).reshape(EXAMPLES, 3, 4)  # top, left, bottom, right
        y = np.concatenate([RNG.integers(-1, 2, (EXAMPLES, 3, 1)), corners], axis=-1).astype(np.float32)
    if task in ("translate", "caption"):
        y = texts(model.output_shape[-1], 7)
        vocabularies = {"output": vocabulary(model.output_shape[-1], MARKS)}
    if task == "tag":
        labels = tuple(f"tag {number}" for number in range(hyperparameters["tags"]))
        x = np.where(np.arange(shape[0]) < RNG.integers(1, shape[0] + 1, (EXAMPLES, 1)), x, PADDING).astype(np.int32)
        y = np.where(x != PADDING, RNG.integers(len(labels), size=x.shape), NO_TAG)
    if task in ("translate", "classify_text", "tag"):
        vocabularies["text"] = vocabulary(hyperparameters["tokens"])
    if task == "word_vectors":
        x, vocabularies = RNG.integers(2, 8, (EXAMPLES, 9), np.int32), {"word": vocabulary(hyperparameters["tokens"])}
    return Dataset("few", x, y, x, y, "", labels, vocabularies)


def line_of(name: str) -> str:
    """Returns the line of the docstring that states the loss."""
    (line,) = [each for each in describe(name).formula.split("\n") if each.startswith("minimise")]
    return line


# Layers that act differently in training. `test_layers_that_act_only_in_training` in `test_fitting.py` tests how models
# with noise are validated. Batch normalization is validated with its moving statistics, as is usual.
ONLY_IN_TRAINING = {"BatchNormalization", "Corruption", "GaussianSample"}
# Layers of Keras that would do so only with dropout.
WITHOUT_DROPOUT = {"Bidirectional", "Dense", "GRU", "GRUCell", "LSTM", "LSTMCell", "SimpleRNN", "SimpleRNNCell"}


def only_in_training(model: keras.Model) -> set[str]:
    layers = [each for each in model._flatten_layers() if not isinstance(each, keras.Model)]
    assert not any(getattr(each, name, 0) for each in layers for name in ("dropout", "recurrent_dropout"))
    return {type(each).__name__ for each in layers if each._call_has_training_arg} - WITHOUT_DROPOUT


VARIED = ("overcomplete_autoencoder", "sparse_autoencoder")
CASES = [(name, {}) for name in list_models()] + [(name, variant) for name in VARIED for variant in VARIANTS[name]]
CASES += [("variational_autoencoder", {"kl_weight": 0.5}), ("deep_rnn", {"season": 3})]


@pytest.mark.parametrize(
    ("name", "variant"), [pytest.param(*case, id="-".join([case[0], *map(str, case[1].values())])) for case in CASES]
)
@pytest.mark.usefixtures("eager")
def test_loss_of_a_training_step_equals_the_formula(name: str, variant: dict[str, Any]) -> None:
    """A small model is trained with its first recipe for one step."""
    keras.utils.set_random_seed(0)
    defaults = {each.name: each.default for each in describe(name).hyperparameters}
    hyperparameters = {**defaults, **SMALL[name], **variant}
    recipe = load_recipe(name)
    model = small(name, **variant)
    assert only_in_training(model) <= ONLY_IN_TRAINING
    dataset = dataset_of(model, recipe.task, hyperparameters)
    task = TASKS[recipe.task](recipe, dataset, 0)
    task.prepare(model)
    config = TrainConfig(name, epochs=1, batch_size=1_000, learning_rate=1e-3, seed=0)
    x, y, *_ = fitting.training_data(model, task, 1_000, 0)[0]["x"][0]
    before = [to_numpy(variable).copy() for variable in model.variables]  # with the states of the random numbers
    y_hat = keras.tree.map_structure(to_numpy, model(x, training=True))
    for variable, value in zip(model.variables, before, strict=True):
        variable.assign(value)
    step = Step(model, hyperparameters, recipe, dataset, x, y, y_hat)
    expected = FORMULAS[line_of(name)](step)  # before the step changes the weights
    best = BestWeights()
    fitting.fit(model, task, config, best, verbose=0)
    assert best.history["loss"] == pytest.approx([expected], rel=1e-4)


def test_docstrings_have_the_weights_of_the_losses() -> None:
    assert f"otherwise {FOREGROUND_WEIGHT:g}, " in describe("segmenter").formula
    assert f"λ = {BOX_WEIGHT:g}, " in describe("detector").formula
