"""Tests of `train`: the files of a run, reproducibility, and errors."""

from __future__ import annotations

import dataclasses
import json
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras_gallery.models import list_models
from keras_gallery.models.errors import BadHyperparameter, UnknownModel
from keras_gallery.training import Run, latest_run, load, load_recipe, runs, settings
from keras_gallery.training.errors import (
    BadData,
    BadFolder,
    BadResume,
    Diverged,
    UnknownDataset,
    UnknownRecipe,
    UnknownRun,
)
from keras_gallery.training.figures.evaluate import mse
from keras_gallery.training.results.measure import load_results
from keras_gallery.training.runs import save_run
from keras_gallery.training.settings import TrainConfig
from keras_gallery.training.tasks.reconstruction import Reconstruction
from keras_gallery.training.train import train
from matplotlib.image import imread

pytestmark = pytest.mark.usefixtures("few_images")
QUICK: dict[str, Any] = {
    "model": "denoising_autoencoder",
    "hyperparameters": {"network": "dense", "code_dim": 8},
    "dataset": "digits",
    "epochs": 3,
    "batch_size": 128,
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def run(out: Path) -> Run:
    return train(TrainConfig(**QUICK, root=out))


def figures(run: Run) -> dict[str, Any]:
    """Returns the metrics of a run, except for the training time and the speed."""
    return {key: value for key, value in run.metrics.items() if key not in ("seconds", "images_per_second")}


def test_run_folder(run: Run, out: Path) -> None:
    assert run.folder == out / "denoising_autoencoder" / "001"
    names = sorted(str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file())
    assert names == [
        "config.json",
        "history.json",
        "metrics.json",
        "model.keras",
        "pictures/codes.png",
        "pictures/denoised.png",
        "pictures/hidden_units.png",
        "pictures/learning_curve.png",
        "yardsticks.npz",
    ]
    assert run.config["hyperparameters"]["image_shape"] == [8, 8, 1]  # from the dataset
    assert run.config["hyperparameters"]["noise_level"] == 0.4  # the model's default
    assert run.config["learning_rate"] == load_recipe("denoising_autoencoder").learning_rate
    assert {key: run.config[key] for key in ("model", "recipe", "dataset", "task", "epochs", "batch_size", "seed")} == {
        "model": "denoising_autoencoder",
        "recipe": "mnist_5k",
        "dataset": "digits",
        "task": "denoise",
        "epochs": 3,
        "batch_size": 128,
        "seed": 0,
    }
    assert [len(values) for values in run.history.values()] == [3, 3]
    assert run.history["loss"][-1] < run.history["loss"][0]
    assert run.config["epochs_done"] == 3 and run.interrupted is False
    assert run.config["best_epoch"] == 1 + int(np.argmin(run.history["val_loss"]))
    assert run.metrics["images_per_second"] == pytest.approx(3 * 1294 / run.metrics["seconds"], rel=0.01)
    assert run.metrics["code_dim"] == 8
    for name, (height, width) in {"denoised": (200, 600), "learning_curve": (250, 450)}.items():
        pixels = imread(run.folder / "pictures" / f"{name}.png")
        assert pixels.shape[0] > height and pixels.shape[1] > width
        assert pixels.std() > 0.05


def test_saved_model_has_the_reported_figures(run: Run) -> None:
    clean = load("digits").x_test
    model = Run.load(run.folder).model
    assert mse(clean, model.predict(clean, verbose=0)) == pytest.approx(run.metrics["mse"], rel=1e-6)


def test_the_same_seed_gives_the_same_figures(run: Run, out: Path) -> None:
    again = train(TrainConfig(**QUICK, root=out))
    assert again.folder.name == "002"
    assert figures(again) == figures(run)
    assert again.history == run.history
    assert again.config == run.config
    other = train(TrainConfig(**QUICK, root=out, seed=1))
    assert figures(other) != figures(run)
    assert latest_run("denoising_autoencoder", out).folder == other.folder
    for first, equal, different in zip(
        run.model.get_weights(), again.model.get_weights(), other.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(first, equal)
        assert not np.array_equal(first, different)


class Killed(BaseException):
    pass


def test_resumed_training_has_the_figures_of_an_unbroken_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model adds noise, and the learning rate has a cosine schedule."""
    module = import_module("keras_gallery.training.train")
    killer = keras.callbacks.Callback()
    logs = module.log_callbacks
    config = TrainConfig(**QUICK, root=tmp_path, csv_log=tmp_path / "log.csv")

    def kill(epoch: int, logs: object = None) -> None:
        if epoch == 1:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(killer, "on_epoch_end", kill)
        patch.setattr(module, "log_callbacks", lambda *arguments: [*logs(*arguments), killer])
        with pytest.raises(Killed):
            train(config)
    home = tmp_path / "denoising_autoencoder"
    (folder,) = home.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint.npz", "settings.json"]
    (tmp_path / "log.csv").write_text((tmp_path / "log.csv").read_text() + "2,9,9\n")  # an epoch after the checkpoint

    resume = TrainConfig("denoising_autoencoder", root=tmp_path, resume=True, csv_log=tmp_path / "log.csv")
    for change, message in (
        ({"epochs": 2}, "Expected epochs to be at least 3. Received: 2."),
        ({"seed": 1}, "Expected seed to be 0. Received: 1."),
        ({"hyperparameters": {"code_dim": 9}}, "Expected code_dim to be 8. Received: 9."),
        ({"recipe": "mnist"}, "Expected recipe to be mnist_5k. Received: mnist."),
        ({"patience": 1}, "Expected patience to be 0. Received: 1."),
    ):
        with pytest.raises(BadResume, match=f"Cannot resume the training in .*unfinished-.*: {message}"):
            train(dataclasses.replace(resume, **change))
    steps: list[str] = []
    again = train(resume, steps.append)
    assert "Resuming after 2 of 3 epochs" in steps
    assert (again.history, figures(again)) == (run.history, figures(run))
    for first, second in zip(run.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    paths = {"root": str(tmp_path), "csv_log": str(tmp_path / "log.csv")}
    assert again.config == run.config | paths
    assert [path.name for path in home.iterdir()] == ["001"]
    assert [row.split(",")[0] for row in (tmp_path / "log.csv").read_text().split()] == ["epoch", "0", "1", "2"]
    with pytest.raises(BadResume, match="There is no unfinished training of denoising_autoencoder in"):
        train(resume)


def test_resumed_training_can_have_more_epochs(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed twice: the second time after it was resumed with more epochs, which the checkpoint keeps."""
    module = import_module("keras_gallery.training.train")
    monkeypatch.setattr(Reconstruction, "draw", lambda *_: None)
    logs, config = module.log_callbacks, TrainConfig(**QUICK, root=tmp_path, schedule="constant")
    first = dataclasses.replace(config, epochs=2)
    for attempt, killed_after in ((first, 0), (dataclasses.replace(config, resume=True), 1)):
        killer = keras.callbacks.Callback()

        def kill(epoch: int, logs: object = None, last: int = killed_after) -> None:
            if epoch == last:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(killer, "on_epoch_end", kill)
            patch.setattr(module, "log_callbacks", lambda *arguments, killer=killer: [*logs(*arguments), killer])
            with pytest.raises(Killed):
                train(attempt)
    steps: list[str] = []
    resumed = train(TrainConfig("denoising_autoencoder", root=tmp_path, resume=True), steps.append)
    assert "Resuming after 2 of 3 epochs" in steps
    unbroken = train(config)
    assert (resumed.history, figures(resumed)) == (unbroken.history, figures(unbroken))
    assert resumed.config == unbroken.config and resumed.history != run.history


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": "denoising"}, UnknownModel, "Did you mean denoising_autoencoder"),
        ({"recipe": "mnist_5"}, UnknownRecipe, "Unknown recipe of denoising_autoencoder: .*Did you mean mnist_5k"),
        ({"dataset": "digit"}, UnknownDataset, "Unknown dataset: digit. Did you mean digits"),
        ({"epochs": 0}, BadHyperparameter, "Expected epochs to be an integer of at least 1. Received: 0"),
        ({"batch_size": -1}, BadHyperparameter, "Expected batch_size"),
        ({"learning_rate": 0}, BadHyperparameter, "Expected learning_rate"),
        ({"learning_rate": float("nan")}, BadHyperparameter, "Received: nan"),
        ({"seed": 2**32}, BadHyperparameter, "Expected seed"),
        ({"hyperparameters": {"code_dims": 3}}, BadHyperparameter, "Did you mean code_dim"),
        ({"hyperparameters": {"code_dim": 0}}, BadHyperparameter, "Expected code_dim"),
        ({"hyperparameters": {"image_shape": (9, 8, 1)}}, BadHyperparameter, "to be 8,8,1, as in the dataset digits"),
        ({"hyperparameters": {"image_shape": "8"}}, BadHyperparameter, "Expected image_shape"),
        (
            {"dataset": "diabetes"},
            BadData,
            "The task denoise needs a dataset with images. Received: diabetes, with targets",
        ),
    ],
)
def test_invalid_arguments_are_rejected_before_files_are_written(
    tmp_path: Path, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        train(TrainConfig(**{**QUICK, **change}, root=tmp_path / "runs"))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("mine")
    with pytest.raises(BadFolder, match="Cannot write runs to the folder"):
        train(TrainConfig(**QUICK, root=tmp_path / "runs"))


def test_images_of_other_dtypes_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Floats could contain NaN, and wider integers could contain values above 255."""
    monkeypatch.setenv("GALLERY_DATA", str(tmp_path))
    labels = np.zeros(4, np.uint8)
    for images in (np.full((4, 28, 28), np.nan, np.float32), np.full((4, 28, 28), 256, np.uint16)):
        np.savez(tmp_path / "mnist.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
        with pytest.raises(BadData, match=f"Received: x_train of {images.dtype}"):
            train(TrainConfig("dense_autoencoder", dataset="mnist", root=tmp_path / "runs"))
    assert [path.name for path in tmp_path.iterdir()] == ["mnist.npz"]


def test_diverging_training_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = dataclasses.replace(load_recipe("dense_autoencoder"), optimizer="sgd", loss="squared_error")
    monkeypatch.setattr(settings, "find_recipe", lambda model, name: recipe)
    hyperparameters = {"code_activation": "linear", "output_activation": "linear"}
    options: dict[str, Any] = {"dataset": "digits", "epochs": 3, "batch_size": 8, "learning_rate": 10.0}
    config = TrainConfig("dense_autoencoder", None, hyperparameters, **options, root=tmp_path / "runs")
    with pytest.raises(Diverged, match="The loss became .* in epoch 1. A smaller learning rate may help"):
        train(config)
    assert not list(tmp_path.iterdir())


def test_missing_and_damaged_runs(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UnknownRun, match="Train the model first: gallery train sequence_to_vector"):
        latest_run("sequence_to_vector", tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(run.folder, copy)
    (copy / "model.keras").write_bytes(b"PK damaged")
    with pytest.raises(UnknownRun, match="Cannot load the trained model .*model.keras: .+"):
        Run.load(copy).model  # noqa: B018
    (copy / "metrics.json").write_text("{")
    with pytest.raises(UnknownRun, match="No finished run in"):
        Run.load(copy)
    (copy / "metrics.json").write_text("{}")
    for content, reason in (("{}", "config.json does not have interrupted, model"), ("1", "'int' object")):
        (copy / "config.json").write_text(content)
        with pytest.raises(UnknownRun, match=f"No finished run in .*: {reason}"):
            Run.load(copy)


def fill(folder: Path) -> None:
    for part in ("config", "metrics", "history"):
        (folder / f"{part}.json").write_text(json.dumps({"model": "dense_autoencoder", "interrupted": False}))


def test_run_numbers_continue(tmp_path: Path) -> None:
    home = tmp_path / "dense_autoencoder"
    (home / "999").mkdir(parents=True)
    (home / "12 notes").mkdir()
    assert save_run(tmp_path, "dense_autoencoder", fill) == home / "1000"
    assert latest_run("dense_autoencoder", tmp_path).folder == home / "1000"


def test_number_that_another_training_has_taken_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_run(tmp_path, "model", fill)
    monkeypatch.setattr(runs, "_numbers", lambda home: [])  # hides the run "001"
    assert save_run(tmp_path, "model", fill).name == "002"


def test_failure_while_writing_leaves_no_run(tmp_path: Path) -> None:
    def full(folder: Path) -> None:
        fill(folder)
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        save_run(tmp_path, "model", full)
    assert not list((tmp_path / "model").iterdir())


def test_zero_noise_has_finite_figures(tmp_path: Path) -> None:
    """Without noise, the PSNR of the input is infinite. JSON cannot represent infinity, so 100 dB is stored."""
    hyperparameters = {**QUICK["hyperparameters"], "noise_level": 0.0}
    run = train(TrainConfig(**{**QUICK, "hyperparameters": hyperparameters, "epochs": 1}, root=tmp_path))
    assert run.metrics["psnr_noisy"] == 100


# Each value has a model, its hyperparameters, a dataset, and the pictures of the run besides the common pictures.
AUTOENCODERS: dict[str, tuple[str, dict[str, Any], str, set[str]]] = {
    "generate": (
        "variational_autoencoder",
        {"hidden": (32,), "code_dim": 2},
        "digits",
        {"reconstructed", "samples", "traversal", "latent_map", "deeper_units"},
    ),
    "colorize": ("colorization_autoencoder", {"filters": (4,)}, "photographs", {"colorized"}),
    "full pass": (
        "sparse_autoencoder",
        {"code_dim": 9, "estimate": "full_pass"},
        "digits",
        {"reconstructed", "kl_curve"},
    ),
    "tied": ("stacked_autoencoder", {"hidden": (16,), "code_dim": 4, "tied": True}, "digits", {"reconstructed"}),
}
AUTOENCODER_PICTURES = {"learning_curve", "hidden_units", "codes"}
OTHER_MODELS: dict[str, tuple[str, dict[str, Any], str, set[str]]] = {
    "classify": (
        "conv_blocks",
        {"filters": (4,), "units": 8},
        "digits",
        {"confusion", "mistakes", "hidden_units", "deeper_units", "feature_maps", "features"},
    ),
    "classify features": ("swish_classifier", {"hidden": 8}, "party", {"confusion"}),
    "regress": ("mlp_regressor", {"hidden": (8,)}, "diabetes", {"progression"}),
    "segment": ("segmenter", {"filters": (4, 4)}, "digit_masks", {"masks"}),
    "detect": ("detector", {"filters": (4, 4, 4)}, "digit_boxes", {"boxes"}),
    "regress sequences": ("gru", {"units": 4}, "adding", {"sum"}),
    "classify texts": ("sequence_to_vector", {"units": 4, "bidirectional": False}, "stress", {"confusion"}),
    "tag": ("sequence_tagger", {"units": 4, "bidirectional": False}, "letter_phonemes", {"tags"}),
    "translate": ("encoder_decoder", {"units": 8}, "addition", set()),
    "caption": ("vector_to_sequence", {"filters": (4,), "units": 8}, "digit_names", {"captions"}),
}


@pytest.mark.parametrize("case", [*AUTOENCODERS, *OTHER_MODELS])
def test_short_training_for_every_task(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if case not in ("regress sequences", "segment"):  # their long sequences and large images need graphs
        request.getfixturevalue("eager")
    name, hyperparameters, source, pictures = (AUTOENCODERS | OTHER_MODELS)[case]
    module = import_module("keras_gallery.training.train")
    whole = load(source)
    step = max(1, len(whole.x_train) // 160) if len(whole.x_train) > 1_000 else 1
    few = dataclasses.replace(
        whole, **{part: getattr(whole, part)[::step] for part in ("x_train", "y_train", "x_test", "y_test")}
    )
    monkeypatch.setattr(module.data, "load", lambda name: few)
    run = train(TrainConfig(name, None, hyperparameters, source, epochs=2, batch_size=64, root=tmp_path))
    assert run.history["loss"][1] < run.history["loss"][0]
    files = {path.stem for path in (run.folder / "pictures").iterdir()}
    assert files == pictures | (AUTOENCODER_PICTURES if case in AUTOENCODERS else {"learning_curve"})
    assert all(np.isfinite(figure) for figure in run.metrics.values())
    assert run.model.count_params() == run.metrics["parameters"]
    assert (run.folder / "tokens.json").is_file() == bool(whole.texts)
    if case == "generate":
        assert run.metrics["elbo"] < 0
    if case == "colorize":
        assert run.metrics["mse"] > 0 and run.metrics["mean_colour_mse"] > 0


@pytest.mark.slow
def test_default_recipes_reach_their_results(tmp_path: Path) -> None:
    known = load_results(Path(__file__).parents[2] / "docs")
    for name in list_models():
        run = train(TrainConfig(name, root=tmp_path))
        found = known[name][run.config["recipe"]]["seeds"]["0"]
        # The tolerance is 10 %, because other processors add numbers in another order.
        figure = next(
            key
            for key in ("mse", "cross_entropy", "rmse", "mean_iou", "map50", "token_error", "pair_loss")
            if key in found
        )
        assert run.metrics[figure] == pytest.approx(found[figure], rel=0.1), name
        keras.backend.clear_session()
