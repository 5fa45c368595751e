"""Tests that ONNX Runtime runs exported ONNX files and returns the outputs of the model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.errors import FailedPrecondition
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import keras
    import numpy as np
    import onnx
    import onnxruntime
    from keras_gallery.serving.targets.convert import export_to

    from ...models.layer_checks import randomise, to_numpy
    from ...models.registered import small


def run(place: Path, inputs: dict[str, Any]) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(str(place), providers=["CPUExecutionProvider"])
    return dict(zip([each.name for each in session.get_outputs()], session.run(None, inputs), strict=True))


@pytest.mark.parametrize(
    ("name", "variant", "x", "output"),
    [
        ("denoising_autoencoder", {}, ("image", (8, 8, 1)), "reconstruction"),
        ("deep_rnn", {"cell": "lstm", "season": 3}, ("history", (11, 1)), "forecast"),  # has `Normalization` and loops
        ("residual_network", {}, ("image", (8, 8, 1)), "probabilities"),
    ],
)
def test_outputs_for_a_new_batch_size_equal_the_model(
    tmp_path: Path, name: str, variant: dict[str, Any], x: tuple[str, tuple[int, ...]], output: str
) -> None:
    model = small(name, **variant)
    randomise(model)
    written = export_to("onnx", model, tmp_path / "m.onnx")
    assert written.runtime == f"ONNX Runtime {onnxruntime.__version__}" and 0 < written.difference < 1e-4
    onnx.checker.check_model(str(written.place), full_check=True)
    values = np.random.default_rng(1).random((3, *x[1]), np.float32)
    outputs = run(written.place, {x[0]: values})
    assert list(outputs) == [output]
    np.testing.assert_allclose(outputs[output], to_numpy(model(values)), rtol=1e-4, atol=1e-5)


def test_padding_does_not_change_the_outputs(tmp_path: Path) -> None:
    model = small("sequence_to_vector")
    place = export_to("onnx", model, tmp_path / "m.onnx").place
    ids = np.array([[1, 2, 3, 0, 0], [5, 4, 3, 2, 1]], np.int32)
    alone = to_numpy(model(ids[:1, :3]))
    np.testing.assert_allclose(run(place, {"ids": ids})["probabilities"][:1], alone, atol=1e-6)
    model = small("gru")
    place = export_to("onnx", model, tmp_path / "p.onnx", "regress_padded").place
    x = np.random.default_rng(1).random((1, 9, 2), np.float32)
    got = run(place, {"sequence": x, "length": np.array([6], np.int32)})["prediction"]
    np.testing.assert_allclose(got, to_numpy(model(x[:, :6])), atol=1e-6)


def test_classify_returns_labels(tmp_path: Path) -> None:
    model = small("mlp_classifier", classes=3)
    place = export_to("onnx", model, tmp_path / "m.onnx", "classify", labels=["ant", "bee", "cow"]).place
    image = np.zeros((1, 4, 4, 1), np.float32)
    best = to_numpy(model(image)).argmax()
    assert run(place, {"image": image})["label"].tolist() == [["ant", "bee", "cow"][best]]


def test_an_operation_that_onnx_lacks(tmp_path: Path) -> None:
    model = small("variational_autoencoder")
    with pytest.raises(FailedPrecondition, match="operations that ONNX lacks: Stateless"):
        export_to("onnx", model, tmp_path / "m.onnx", "generate")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("package", ["tf2onnx", "onnxruntime"])
def test_missing_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(FailedPrecondition, match=r"is not installed: pip install '.\[convert\]'"):
        export_to("onnx", small("dense_autoencoder"), tmp_path / "m.onnx")
    assert not any(tmp_path.iterdir())


def test_a_model_with_two_inputs_and_two_outputs(tmp_path: Path) -> None:
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    model = keras.Model([a, b], [keras.layers.Add(name="sum")([a, b]), keras.layers.Subtract(name="rest")([a, b])])
    place = export_to("onnx", model, tmp_path / "m.onnx").place
    one, two = np.ones((2, 3), np.float32), np.full((2, 3), 2, np.float32)
    outputs = run(place, {"a": two, "b": one})
    assert outputs["sum"].tolist() == (two + one).tolist() and outputs["rest"].tolist() == one.tolist()
