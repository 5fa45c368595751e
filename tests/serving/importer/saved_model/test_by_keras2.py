"""Tests of models that Keras 3 cannot rebuild: Keras 2 exports them, or the error says how."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tensorflow as tf
from keras_gallery.serving.importer.examine import examine_file
from keras_gallery.serving.importer.keras2 import allowed, runtime
from keras_gallery.serving.importer.keras2.report import NoEquivalent

tf_keras = pytest.importorskip("tf_keras")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of Keras 2, about HDF5


@pytest.fixture(scope="module")
def diagonal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a file of Keras 2 that calls tf.linalg.diag, which keras.ops does not have."""
    place = tmp_path_factory.mktemp("files") / "diagonal.h5"
    x = tf_keras.Input((2,), name="x")
    model = tf_keras.Model(x, tf_keras.layers.Dense(2, name="y", kernel_initializer="ones")(tf.linalg.diag(x)))
    with warnings.catch_warnings(action="ignore"):
        model.save(place)
    return place


def test_keras_2_exports_what_keras_3_cannot_rebuild(diagonal: Path, read: Callable[..., Any]) -> None:
    result = read(diagonal)
    assert result.description.startswith("HDF5 file of Keras 2.") and result.description.endswith(": serving_default")
    assert result.changes[0].startswith("exported as a SavedModel by Keras 2 (tf_keras 2.")
    assert "which calls tf.linalg.diag (Keras 3 has no such operation)" in result.changes[0]
    loaded = tf.saved_model.load(str(result.saved_model))
    got = loaded.signatures["serving_default"](x=tf.constant([[1.0, 2.0]]))["y"]
    np.testing.assert_allclose(got, [[[1.0, 1.0], [2.0, 2.0]]])
    verdicts = {each.target: each.ok for each in examine_file(diagonal)[1]}
    assert verdicts["tensorflow_serving"] and verdicts["embedded"] and verdicts["keras2"] and not verdicts["keras"]


def test_keras_2_is_not_installed(diagonal: Path, read: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowed, "is_installed", lambda: False)
    with pytest.raises(NoEquivalent, match=r"tf\.linalg\.diag .*\(with Keras 2, .*: pip install tf_keras\)$"):
        read(diagonal)
    verdict = next(each for each in examine_file(diagonal)[1] if each.target == "embedded")
    assert not verdict.ok and verdict.remedy.startswith("pip install tf_keras")


def test_keras_2_does_not_load_unsafe_functions(
    diagonal: Path, read: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowed, "is_harmless", lambda config: False)
    with pytest.raises(NoEquivalent, match="no such operation"):
        read(diagonal)


def test_keras_2_does_not_load_losses_that_nobody_checked(diagonal: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Keras 2 would import the module of a loss in the configuration."""
    place = Path(shutil.copy(diagonal, tmp_path / "model.h5"))
    with h5py.File(place, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][0]["compile_config"] = {"loss": {"class_name": "Add", "module": "antigravity"}}
        file.attrs["model_config"] = json.dumps(config)
    monkeypatch.setattr(tf_keras.models, "load_model", lambda *_, **__: pytest.fail("loaded"))
    assert runtime.load_h5(place) is None
