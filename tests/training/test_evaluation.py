"""Tests of `evaluate`: a run on its own test examples, on other data, and on anomalies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from keras_gallery.cli.main import main
from keras_gallery.serving.saved_model import read_signatures
from keras_gallery.training import Run
from keras_gallery.training.data.dataset import hold_out
from keras_gallery.training.errors import BadData, UnknownRun
from keras_gallery.training.recipe import load_recipe
from keras_gallery.training.sources.read import read
from keras_gallery.training.sources.source import Source
from sklearn.decomposition import PCA

import keras_gallery as kg

pytestmark = pytest.mark.usefixtures("few_images")
IMAGES = np.random.default_rng(0).random((60, 4, 4, 1), np.float32)
OTHER = np.random.default_rng(1).random((10, 4, 4, 1), np.float32)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluation")


@pytest.fixture(scope="module")
def run(out: Path) -> Run:
    np.save(out / "images.npy", IMAGES)
    steps: list[str] = []
    run = kg.train(
        "linear_autoencoder",
        data=out / "images.npy",
        code_dim=3,
        epochs=1,
        false_alarms=0.3,
        runs=out,
        progress=steps.append,
    )
    assert not any("Too few" in step for step in steps)
    return run


def scores(run: Run, images: np.ndarray) -> np.ndarray:
    """Returns the score of each image by the formula of the exported signature `score`."""
    return np.square(run.model.predict(images, verbose=0) - images).sum(axis=(1, 2, 3))


def test_own_test_examples_give_the_same_metrics(run: Run) -> None:
    metrics = kg.evaluate(run).metrics
    assert set(metrics) - set(run.metrics) == {"above_threshold"}
    assert isinstance(metrics["code_dim"], int)
    for name in set(metrics) & set(run.metrics):
        assert metrics[name] == pytest.approx(run.metrics[name], rel=1e-6), name
    assert metrics["above_threshold"] == run.metrics["measured_false_alarm_rate"]


def test_threshold_is_a_quantile_of_the_validation_scores(run: Run, out: Path) -> None:
    dataset = read(Source(out / "images.npy"), "linear_autoencoder", load_recipe("linear_autoencoder"), 0)
    validation, test = scores(run, hold_out(dataset, 0)[1].x), scores(run, dataset.x_test)
    expected = np.quantile(np.append(validation, np.inf), 0.7, method="inverted_cdf")
    threshold = (run.preparation or {})["threshold"]
    assert threshold["value"] == run.metrics["threshold"] == pytest.approx(expected, rel=1e-6)
    assert threshold["measured_rate"] == np.mean(test > threshold["value"])
    assert (threshold["false_alarm_rate"], threshold["examples"]) == (0.3, len(test))
    assert (run.metrics["validation_examples"], run.metrics["test_examples"]) == (len(validation), len(test))


def test_other_data_are_compared_with_the_same_pca(run: Run, out: Path) -> None:
    dataset = read(Source(out / "images.npy"), "linear_autoencoder", load_recipe("linear_autoencoder"), 0)
    flat = OTHER.reshape(10, -1)
    pca = PCA(3).fit(hold_out(dataset, 0)[0].x.reshape(-1, 16))
    metrics = kg.evaluate(run, OTHER).metrics
    assert metrics["mse"] == pytest.approx(np.mean((run.model.predict(OTHER, verbose=0) - OTHER) ** 2), rel=1e-5)
    reconstructed = pca.inverse_transform(pca.transform(flat))
    assert metrics["pca_mse"] == pytest.approx(np.mean((reconstructed - flat) ** 2), rel=1e-4)
    assert metrics["mean_mse"] == pytest.approx(np.mean((pca.mean_ - flat) ** 2), rel=1e-5)


def test_the_command_finds_anomalies(run: Run, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(out / "odd.npy", OTHER)
    command = ["evaluate", str(run.folder), "--data", str(out / "odd.npy"), "--anomalies"]
    assert main([*command, "--json", "--output", str(out / "found")]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content == json.loads((out / "found" / "metrics.json").read_text("utf-8"))
    assert {"reconstructed.png", "codes.png"} <= {file.name for file in (out / "found").iterdir()}
    assert (content["data"], content["examples"]) == ("odd", 10)
    found, (normal,) = scores(run, OTHER), [run.yardsticks["test_scores"]] if run.yardsticks else []
    assert content["metrics"]["detection_rate"] == np.mean(found > run.metrics["threshold"])
    assert content["metrics"]["auroc"] == pytest.approx(np.mean(found[:, None] > normal))
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "PCA with the same code size" in printed and "anomalies above the threshold" in printed
    assert main(["show", "linear_autoencoder", "--runs", str(out)]) == 0
    assert "for a false-alarm rate of 30%" in capsys.readouterr().out


def test_names_of_files_are_escaped(run: Run, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(out / "odd\udcff\x9b\n.npy", OTHER)
    command = ["evaluate", str(run.folder), "--data", str(out / "odd\udcff\x9b\n.npy")]
    assert main([*command, "--output", str(out / "escaped")]) == 0
    assert r"on 10 examples of odd\xff\x9b\n" in capsys.readouterr().out.splitlines()[0]
    assert json.loads((out / "escaped" / "metrics.json").read_text("utf-8"))["data"] == r"odd\xff\x9b\n"
    assert main([*command, "--json"]) == 0
    assert capsys.readouterr().out.rstrip("\n").isprintable()
    assert main(["evaluate", str(run.folder), "--data", "odd\n\x1b.csv"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == r"gallery: There is no file or folder odd\n\x1b.csv."


def test_the_run_needs_no_training_data(run: Run, out: Path) -> None:
    assert kg.evaluate(run, out / "images.npy").notes == (
        "These are the training data. Leave out --data to evaluate the run on its test examples",
    )
    np.save(out / "images.npy", IMAGES[::-1])
    try:
        with pytest.raises(BadData, match=r"images.npy have changed since the training. Name data with --data."):
            kg.evaluate(run)
        (out / "images.npy").unlink()
        with pytest.raises(BadData, match=r"The data of the run are gone: .*images.npy. Name other data with --data."):
            kg.evaluate(run)
        assert kg.evaluate(run, OTHER).metrics["pca_mse"] > 0
    finally:
        np.save(out / "images.npy", IMAGES)


def test_beam_search_needs_a_model_that_generates_texts(run: Run) -> None:
    with pytest.raises(BadData, match=r"^linear_autoencoder generates no texts. Leave out --beam.$"):
        kg.evaluate(run, beam=4)


def test_notes_come_before_the_metrics(run: Run, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run.folder), "--data", str(out / "images.npy")]) == 0
    first, note, metric = capsys.readouterr().out.splitlines()[:3]
    assert "on 60 examples of images" in first and note.startswith("These are the training data")
    assert metric.startswith("reconstructed, mean squared error")
    assert main(["evaluate", str(run.folder), "--time", "month"]) == 2
    assert capsys.readouterr().err == "gallery: The option --time needs --data.\n"


def test_a_run_without_yardsticks_computes_them(run: Run, out: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run.folder, tmp_path / "old"))
    (copy / "yardsticks.npz").unlink()
    assert kg.evaluate(copy, OTHER).metrics == pytest.approx(kg.evaluate(run, OTHER).metrics, rel=1e-6)
    (copy / "yardsticks.npz").write_text("{")
    with pytest.raises(UnknownRun, match=r"yardsticks.npz is damaged"):
        kg.evaluate(copy, OTHER)


@pytest.mark.parametrize("content", ["[" * 100_000, "[]", '{"kind": "texts", "threshold": {"value": "x"}}'])
def test_a_damaged_preparation(content: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = Path(shutil.copytree(run.folder, tmp_path / "linear_autoencoder" / "001"))
    (copy / "preparation.json").write_text(content)
    for command in (["evaluate", str(copy)], ["export", "linear_autoencoder", "--run", str(copy)]):
        assert main(command) == 2
        assert f"The file {copy / 'preparation.json'} is damaged: " in capsys.readouterr().err.splitlines()[-1]


def test_wrong_uses_are_refused(run: Run, out: Path) -> None:
    with pytest.raises(UnknownRun, match=f"No finished run in {out / 'nothing'}"):
        kg.evaluate(out / "nothing")
    with pytest.raises(BadData, match="Name the data of the anomalies"):
        kg.evaluate(run, anomalies=True)
    with pytest.raises(BadData, match="mlp_classifier has no score, so it has no false alarms"):
        kg.train("mlp_classifier", false_alarms=0.1)
    with pytest.raises(BadData, match=r"Expected false_alarms to be a number above 0 and below 1. Received: 1."):
        kg.train("linear_autoencoder", false_alarms=1)


def test_a_threshold_on_a_dataset_of_the_gallery_prepares_no_pictures(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = kg.train("linear_autoencoder", dataset="digits", code_dim=2, epochs=1, false_alarms=0.1, runs=out / "digits")
    assert run.preparation == {"kind": "arrays", "threshold": (run.preparation or {})["threshold"]}
    assert any("for a false-alarm rate of 10%" in line for line in kg.evaluate(run).lines())
    assert main(["show", "linear_autoencoder", "--runs", str(out / "digits")]) == 0
    assert "for a false-alarm rate of 10%" in capsys.readouterr().out
    folder = kg.export(run, saved_models=out / "exported")
    signatures = read_signatures(folder)
    assert set(signatures["score"].outputs) == {"score", "anomaly"}
    assert "score_png" not in signatures and signatures["encode_png"].inputs["image_bytes"].note == ""


def test_yardsticks_of_classes_and_numbers(out: Path) -> None:
    """The oracles are the counts of the classes, and scikit-learn's linear regression on the same examples."""
    from keras_gallery.models import create
    from keras_gallery.training.data.dataset import load
    from keras_gallery.training.tasks import TASKS
    from sklearn.linear_model import LinearRegression

    recipe = load_recipe("mlp_classifier")
    task = TASKS["classify"](recipe, load("digits"), 0)
    figures = task.evaluate(create("mlp_classifier", input_shape=(8, 8, 1), hidden=(2,)))
    majority = np.bincount(task.training.y).argmax()
    assert figures["majority_accuracy"] == np.mean(task.dataset.y_test == majority)
    assert figures["majority_balanced_accuracy"] == pytest.approx(0.1)

    task = TASKS["regress"](load_recipe("mlp_regressor"), load("diabetes"), 0)
    figures = task.evaluate(create("mlp_regressor", input_shape=(10,), hidden=(2,)))
    predicted = LinearRegression().fit(*task.training).predict(task.dataset.x_test)
    assert figures["linear_rmse"] == pytest.approx(np.sqrt(np.mean((predicted - task.dataset.y_test) ** 2)), rel=1e-6)
