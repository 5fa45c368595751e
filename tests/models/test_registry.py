"""What holds for every registered model, and for the registry itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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

# Every model with its defaults; a new model needs its line here.
PARAMETERS = {
    "dense_autoencoder": 50_992,  # 784·32 + 32 + 32·784 + 784
    "denoising_autoencoder": 111_521,  # 160 + 4,640 + 50,208 to the code, 51,744 + 4,624 + 145 from it
}
every_model = pytest.mark.parametrize("name", list_models())


def images(batch: int, shape: tuple[int, ...] = (28, 28, 1)) -> np.ndarray:
    return np.random.default_rng(0).random((batch, *shape), dtype=np.float32)


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
    model = create(name)
    x = images(batch)
    code = keras.ops.convert_to_numpy(model.get_layer("encoder")(x))
    code_dim = next(each.default for each in describe(name).hyperparameters if each.name == "code_dim")
    assert code.shape == (batch, code_dim)
    rebuilt = keras.ops.convert_to_numpy(model.get_layer("decoder")(code))
    assert rebuilt.shape == x.shape and rebuilt.dtype == np.float32 and np.isfinite(rebuilt).all()
    # At inference the model is decoder(encoder(x)), whatever it does while training.
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(x)), rebuilt, atol=1e-6)


@every_model
@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 7, 3)])
def test_other_image_shapes(name: str, shape: tuple[int, ...]) -> None:
    assert tuple(create(name, image_shape=shape)(images(2, shape)).shape) == (2, *shape)


@every_model
def test_a_step_of_gradient_descent_changes_every_weight(name: str) -> None:
    model = create(name, image_shape=(8, 8, 1))
    before = weights_of(model)
    model.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
    x = images(16, (8, 8, 1))
    model.fit(x, x, batch_size=16, verbose=0)
    for weight, old, new in zip(model.weights, before, weights_of(model), strict=True):
        assert np.isfinite(new).all() and (new != old).any(), weight.path


@every_model
def test_the_loss_falls_on_one_batch(name: str) -> None:
    keras.utils.set_random_seed(0)
    model = create(name, image_shape=(8, 8, 1))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    x = (images(32, (8, 8, 1)) > 0.7).astype(np.float32)
    before = model.evaluate(x, x, verbose=0)
    thirty = np.tile(x, (30, 1, 1, 1))  # one epoch of thirty steps
    model.fit(thirty, thirty, batch_size=32, verbose=0)
    assert model.evaluate(x, x, verbose=0) < 0.95 * before


@every_model
def test_parameter_count(name: str) -> None:
    assert create(name).count_params() == PARAMETERS[name]


@every_model
def test_saving_and_loading_gives_the_same_model(name: str, tmp_path: Path) -> None:
    model, x = create(name), images(3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert loaded.name == name
    assert loaded.count_params() == model.count_params()


@every_model
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    found = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        found.append(weights_of(create(name, image_shape=(8, 8, 1))))
    for first, again in zip(found[0], found[1], strict=True):
        np.testing.assert_array_equal(first, again)
    assert any((first != other).any() for first, other in zip(found[0], found[2], strict=True))


@every_model
def test_the_page_is_complete(name: str) -> None:
    info = describe(name)
    assert info.name == name == create(name).name
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
