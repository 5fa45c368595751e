"""Tests of every registered model. The tests that do not need Keras are in test_descriptions.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import BadHyperparameter, create, describe, list_models, register

from .layer_checks import randomise, to_numpy
from .registered import (
    PARAMETERS,
    default,
    every_autoencoder,
    every_model,
    every_variant,
    inputs,
    losses,
    pictures,
    sizes,
    small,
    targets,
)

once = pytest.mark.variant  # on one backend only


def weights_of(model: keras.Model) -> list[np.ndarray]:
    return [np.array(weight) for weight in model.get_weights()]


def numpys(outputs: Any) -> Any:
    return keras.tree.map_structure(to_numpy, outputs)


def test_the_models_are_listed() -> None:
    assert list_models() == sorted(PARAMETERS)
    assert list_models("*nois*") == ["denoising_autoencoder"]
    assert list_models("x*") == []


@once
@every_model
@pytest.mark.parametrize("batch", [1, 7, 32])
def test_shapes_and_finite_outputs(name: str, batch: int) -> None:
    model = default(name)
    found = model(inputs(model, batch))
    for tensor, expected in zip(keras.tree.flatten(found), keras.tree.flatten(model.output), strict=True):
        assert tuple(tensor.shape) == (batch, *sizes(tuple(expected.shape)))
        assert to_numpy(tensor).dtype == np.float32 and np.isfinite(to_numpy(tensor)).all()


@once
@every_autoencoder
def test_autoencoder_applies_its_decoder_to_the_code(name: str) -> None:
    """At inference, an autoencoder returns decoder(encoder(x))."""
    model = default(name)
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    x = pictures(model.input_shape, 7)
    code = to_numpy(encoder(x))
    assert code.shape == (7, *encoder.output_shape[1:]) and np.isfinite(code).all()
    assert decoder.input_shape == encoder.output_shape
    decoded = to_numpy(decoder(code))
    if name == "colorization_autoencoder":  # its output is x + decoder(encoder(x)), clipped to [0, 1]
        decoded = np.clip(x + decoded, 0, 1)
    np.testing.assert_allclose(to_numpy(model(x)), decoded, atol=1e-6)


@every_autoencoder
def test_code_size(name: str) -> None:
    code_shape = default(name).get_layer("encoder").output_shape
    sizes = {each.name: each.default for each in describe(name).hyperparameters}
    if "code_dim" in sizes:
        assert code_shape == (None, sizes["code_dim"])
    else:
        assert code_shape[-1] == sizes["filters"][-1]


@every_autoencoder
@pytest.mark.parametrize(("height", "width", "channels"), [pytest.param(8, 8, 1, marks=once), (9, 7, 3)])
def test_other_image_shapes(name: str, height: int, width: int, channels: int) -> None:
    channels = 3 if name == "colorization_autoencoder" else channels
    sizes = {"code_dim": 9 * 7 * 3} if name == "overcomplete_autoencoder" else {}
    model = small(name, image_shape=(height, width, channels), **sizes)
    assert model.output_shape == (None, height, width, channels)
    assert model.input_shape[1:3] == (height, width)
    assert tuple(model(pictures(model.input_shape, 2)).shape) == (2, height, width, channels)


@every_variant
def test_training_changes_all_weights_and_lowers_the_loss(name: str, variant: dict[str, Any]) -> None:
    keras.utils.set_random_seed(0)
    model = small(name, **variant)
    x, y = inputs(model, 32), targets(model, 32)
    # On TensorFlow, tracing the step would take longer than the steps.
    compiled = {"jit_compile": True} if keras.backend.backend() == "jax" else {"run_eagerly": True}
    model.compile(keras.optimizers.Adam(0.01), losses(model), **compiled)

    def train() -> float:
        """Trains one step. Returns the loss before the step."""
        model.reset_metrics()
        return float(model.train_on_batch(x, y, return_dict=True)["loss"])

    weights = weights_of(model)
    before = train()
    for weight, old, new in zip(model.weights, weights, weights_of(model), strict=True):
        assert np.isfinite(new).all(), weight.path
        moves = weight.trainable or weight.name in ("moving_mean", "moving_variance")
        assert (new != old).any() == moves, weight.path
    assert any(train() < 0.98 * before for _ in range(30))


@every_model
def test_name_and_parameter_count(name: str) -> None:
    assert default(name).name == name
    assert default(name).count_params() == PARAMETERS[name]


@once
@every_variant
def test_saving_and_loading_gives_the_same_model(name: str, variant: dict[str, Any], tmp_path: Path) -> None:
    model = small(name, **variant)
    weights, x = randomise(model), inputs(model, 3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.name == name
    for saved, again in zip(weights, weights_of(loaded), strict=True):
        np.testing.assert_array_equal(again, saved)
    wholes, parts = [(loaded, model)], []
    if describe(name).family == "autoencoders":
        wholes.append((loaded.get_layer("encoder"), model.get_layer("encoder")))
        parts.append((loaded.get_layer("decoder"), model.get_layer("decoder")))
    for part, same in [*wholes, *parts]:
        assert part.count_params() == same.count_params()  # tied weights are still tied
    for part, same in wholes:
        keras.tree.map_structure(np.testing.assert_array_equal, numpys(part(x)), numpys(same(x)))
        assert [float(each) for each in part.losses] == [float(each) for each in same.losses]


@every_model
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    found = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        found.append(weights_of(small(name)))
    for first, again in zip(found[0], found[1], strict=True):
        np.testing.assert_array_equal(first, again)
    assert any((first != other).any() for first, other in zip(found[0], found[2], strict=True))


@every_model
def test_hyperparameters_have_help_and_a_valid_default(name: str) -> None:
    for hyperparameter in describe(name).hyperparameters:
        assert hyperparameter.help.endswith(".")
        assert hyperparameter.check(hyperparameter.default) == hyperparameter.default
        assert hyperparameter.parse(hyperparameter.format(hyperparameter.default)) == hyperparameter.default


def test_description_of_a_model() -> None:
    info = describe("dense_autoencoder")
    assert info.family == "autoencoders"
    assert info.summary == "Compresses images to a short code with a single hidden layer."
    assert info.formula.startswith("h = g(W x + b)\nx̂ = f(W* h + c)\ndim h < dim x\nminimise L(x, x̂)\n")
    assert info.source.startswith("Lecture notes 000, lecture 7")
    names = [each.name for each in info.hyperparameters]
    assert names == ["image_shape", "code_dim", "code_activation", "output_activation"]
    assert info.hyperparameters[3].help == "f, the activation of the reconstruction."


def test_unknown_hyperparameter_error_suggests_the_closest() -> None:
    with pytest.raises(BadHyperparameter, match=r"of dense_autoencoder: code_dimm\. Did you mean code_dim"):
        create("dense_autoencoder", code_dimm=3)


def test_hyperparameters_are_checked_before_layers_are_created() -> None:
    with pytest.raises(BadHyperparameter, match=r"code_dim to be an integer from 1 to 65536\. Received: 0"):
        create("dense_autoencoder", code_dim=0)


def test_duplicate_builder_is_rejected() -> None:
    create("dense_autoencoder", image_shape=(8, 8, 1))  # registers the builder

    def dense_autoencoder() -> None: ...

    with pytest.raises(KeyError, match="Duplicate builder: dense_autoencoder"):
        register(dense_autoencoder)
