"""What holds for every registered model, and for the registry itself."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import (
    BadHyperparameter,
    GalleryError,
    UnknownModel,
    create,
    describe,
    list_models,
    register,
)
from keras_gallery.models.losses import SquaredError

from .layer_checks import randomise, to_numpy

# Every model with its defaults; a new model needs its line here. A kernel a·b and its bias b are a dense layer.
PARAMETERS = {
    # down (9·1·32 + 32) + (9·32·64 + 64) + (9·64·128 + 128), up (9·128·64 + 64) + (9·64·32 + 32) + (9·32·3 + 3)
    "colorization_autoencoder": 185_795,
    "contractive_autoencoder": 50_992,  # (784·32 + 32) + (32·784 + 784)
    # 320 + 18,496 + (3,136·30 + 30) to the code, (30·3,136 + 3,136) + (9·64·32 + 32) + (9·32 + 1) from it
    "convolutional_autoencoder": 228_895,
    "dense_autoencoder": 50_992,  # (784·32 + 32) + (32·784 + 784)
    "denoising_autoencoder": 111_521,  # 160 + 4,640 + 50,208 to the code, 51,744 + 4,624 + 145 from it
    "linear_autoencoder": 50_992,  # (784·32 + 32) + (32·784 + 784)
    "overcomplete_autoencoder": 1_607_440,  # (784·1,024 + 1,024) + (1,024·784 + 784)
    "sparse_autoencoder": 157_684,  # (784·100 + 100) + (100·784 + 784)
    # kernels 2·(784·1,000 + 1,000·500 + 500·250 + 250·30), biases 1,000 + 500 + 250 + 30 + 250 + 500 + 1,000 + 784
    "stacked_autoencoder": 2_837_314,
    "tied_autoencoder": 25_088,  # 784·32, once
    # (784·200 + 200) + (200·200 + 200) + 2·(200·50 + 50), (50·200 + 200) + (200·200 + 200) + (200·784 + 784)
    "variational_autoencoder": 425_284,
}
every_model = pytest.mark.parametrize("name", list_models())

# What `small` gives each model beside an image_shape.
SMALL: dict[str, dict[str, Any]] = {
    "colorization_autoencoder": {"image_shape": (8, 8, 3), "filters": (8, 12)},
    "contractive_autoencoder": {"code_dim": 8, "weight": 0.5},
    "convolutional_autoencoder": {"filters": (8, 12), "code_dim": 8},
    "dense_autoencoder": {"code_dim": 8},
    "denoising_autoencoder": {"filters": (8, 12), "code_dim": 8},
    "linear_autoencoder": {"code_dim": 8},
    "overcomplete_autoencoder": {"code_dim": 70},
    "sparse_autoencoder": {"code_dim": 8},
    "stacked_autoencoder": {"hidden": (16, 12), "code_dim": 8},
    "tied_autoencoder": {"code_dim": 8},
    "variational_autoencoder": {"hidden": (16, 12), "filters": (8, 12), "code_dim": 4},
}

# The forms of a model that are built from other layers than its default one.
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "convolutional_autoencoder": [{"code": "maps"}],
    "denoising_autoencoder": [{"code": "maps"}, {"network": "dense"}],
    "overcomplete_autoencoder": [{"regularizer": each} for each in ("none", "l1", "kl", "contractive")],
    "sparse_autoencoder": [{"penalty": "l1"}, {"code_activation": "tanh"}, {"estimate": "full_pass"}],
    "stacked_autoencoder": [{"tied": True}],
    "tied_autoencoder": [{"activation": "sigmoid", "use_bias": True}],
    "variational_autoencoder": [{"network": "convolutional"}],
}
every_variant = pytest.mark.parametrize(
    ("name", "variant"),
    [
        pytest.param(name, variant, id="-".join([name, *(f"{key}={value}" for key, value in variant.items())]))
        for name in list_models()
        for variant in [{}, *VARIANTS.get(name, [])]
    ],
)

default = functools.cache(create)  # for tests that leave the model as it is


def small(name: str, **variant: Any) -> keras.Model:
    return create(name, **{"image_shape": (8, 8, 1), **SMALL.get(name, {}), **variant})


def pictures(shape: tuple[int | None, ...], batch: int) -> np.ndarray:
    """For a model's `input_shape` or `output_shape`: binary, as the cross-entropy and the lower bound like them."""
    return (np.random.default_rng(0).random((batch, *shape[1:])) > 0.7).astype(np.float32)


def weights_of(model: keras.Model) -> list[np.ndarray]:
    return [np.array(weight) for weight in model.get_weights()]


def test_the_models_are_listed() -> None:
    assert list_models() == sorted(PARAMETERS)
    assert list_models("*nois*") == ["denoising_autoencoder"]
    assert list_models("x*") == []


def test_listing_does_not_import_keras() -> None:
    script = "import sys, keras_gallery.models as m; m.list_models(); print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@every_model
@pytest.mark.parametrize("batch", [1, 7, 32])
def test_shapes_and_finite_outputs(name: str, batch: int) -> None:
    model = default(name)
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    x = pictures(model.input_shape, batch)
    code = to_numpy(encoder(x))
    assert code.shape == (batch, *encoder.output_shape[1:]) and np.isfinite(code).all()
    assert decoder.input_shape == encoder.output_shape
    decoded, rebuilt = to_numpy(decoder(code)), to_numpy(model(x))
    for found in (decoded, rebuilt):
        assert found.shape == (batch, *model.output_shape[1:])
        assert found.dtype == np.float32 and np.isfinite(found).all()
    # At inference the model is decoder(encoder(x)), whatever it does while training.
    if name == "colorization_autoencoder":  # and here grey + decoder(encoder(grey)), cut to [0, 1]
        decoded = np.clip(x + decoded, 0, 1)
    np.testing.assert_allclose(rebuilt, decoded, atol=1e-6)


@every_model
def test_the_code_has_its_size(name: str) -> None:
    code_shape = default(name).get_layer("encoder").output_shape
    sizes = {each.name: each.default for each in describe(name).hyperparameters}
    if "code_dim" in sizes:
        assert code_shape == (None, sizes["code_dim"])
    else:
        assert code_shape[-1] == sizes["filters"][-1]


@every_model
@pytest.mark.parametrize(("height", "width", "channels"), [(8, 8, 1), (9, 7, 3)])
def test_other_image_shapes(name: str, height: int, width: int, channels: int) -> None:
    given = 3 if name == "colorization_autoencoder" else channels
    sizes = {"code_dim": 9 * 7 * 3} if name == "overcomplete_autoencoder" else {}
    model = small(name, image_shape=(height, width, given), **sizes)
    assert model.output_shape == (None, height, width, given)
    assert model.input_shape[1:3] == (height, width)
    assert tuple(model(pictures(model.input_shape, 2)).shape) == (2, height, width, given)


@every_variant
def test_a_step_changes_every_trainable_weight_and_thirty_lower_the_loss(name: str, variant: dict[str, Any]) -> None:
    keras.utils.set_random_seed(0)
    model = small(name, **variant)
    x, y = pictures(model.input_shape, 32), pictures(model.output_shape, 32)

    def loss() -> float:
        error = SquaredError()(y, model(x))
        return float(error) + sum(float(each) for each in model.losses)

    model.compile(keras.optimizers.Adam(0.01), SquaredError(), jit_compile=keras.backend.backend() == "jax")
    before, weights = loss(), weights_of(model)
    model.train_on_batch(x, y)
    for weight, old, new in zip(model.weights, weights, weights_of(model), strict=True):
        assert np.isfinite(new).all(), weight.path
        assert (new != old).any() == weight.trainable, weight.path
    for _ in range(29):
        model.train_on_batch(x, y)
    assert loss() < 0.95 * before


@every_model
def test_parameter_count(name: str) -> None:
    assert default(name).count_params() == PARAMETERS[name]


@every_variant
def test_saving_and_loading_gives_the_same_model(name: str, variant: dict[str, Any], tmp_path: Path) -> None:
    model = small(name, **variant)
    weights, x = randomise(model), pictures(model.input_shape, 3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.name == name
    for part in ("encoder", "decoder"):
        assert loaded.get_layer(part).count_params() == model.get_layer(part).count_params()
    assert loaded.count_params() == model.count_params()  # what is tied is still tied
    for saved, again in zip(weights, weights_of(loaded), strict=True):
        np.testing.assert_array_equal(again, saved)
    for part, same in ((loaded, model), (loaded.get_layer("encoder"), model.get_layer("encoder"))):
        np.testing.assert_array_equal(to_numpy(part(x)), to_numpy(same(x)))
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
def test_the_page_is_complete(name: str) -> None:
    info = describe(name)
    assert info.name == name == default(name).name
    assert info.summary.endswith(".") and info.formula and info.source
    for hyperparameter in info.hyperparameters:
        assert hyperparameter.help.endswith(".")
        assert hyperparameter.check(hyperparameter.default) == hyperparameter.default
        assert hyperparameter.parse(hyperparameter.format(hyperparameter.default)) == hyperparameter.default


def test_a_page_in_full() -> None:
    info = describe("dense_autoencoder")
    assert info.family == "autoencoders"
    assert info.summary == "One hidden layer, smaller than the image: the code."
    assert info.formula == "h = g(W x + b)\nx̂ = f(W* h + c)\ndim h < dim x"
    assert info.source.startswith("Notes 000, lecture 7")
    names = [each.name for each in info.hyperparameters]
    assert names == ["image_shape", "code_dim", "code_activation", "output_activation"]
    assert info.hyperparameters[3].help == "f, of the reconstruction."


def test_an_unknown_model_is_named_with_the_closest() -> None:
    with pytest.raises(UnknownModel, match=r"Expected a model: .*dense_autoencodr\. Did you mean dense_auto"):
        create("dense_autoencodr")
    with pytest.raises(GalleryError, match=r"Received: \.\./registry\.$"):
        describe("../registry")


def test_an_unknown_hyperparameter_is_named_with_the_closest() -> None:
    with pytest.raises(BadHyperparameter, match=r"Received: code_dimm\. Did you mean code_dim"):
        create("dense_autoencoder", code_dimm=3)


def test_values_are_checked_before_a_layer_is_made() -> None:
    with pytest.raises(BadHyperparameter, match=r"code_dim to be an integer from 1 to 65536\. Received: 0"):
        create("dense_autoencoder", code_dim=0)


def test_a_second_builder_of_a_name_is_refused() -> None:
    create("dense_autoencoder", image_shape=(8, 8, 1))  # registers it

    def dense_autoencoder() -> None: ...

    with pytest.raises(KeyError, match="Expected one builder named dense_autoencoder"):
        register(dense_autoencoder)


def test_a_builder_has_keywords_with_defaults_alone() -> None:
    def positional(size: int = 1) -> None: ...

    def required(*, size: int) -> None: ...

    for build in (positional, required):
        with pytest.raises(TypeError, match="Expected keyword-only parameters with defaults"):
            register(build)
