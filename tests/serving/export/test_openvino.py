"""Tests that an export has the steps of its signatures, and that they run without TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.preparation.description import CategoryColumn, NumberColumn, Table
from keras_gallery.serving import saved_model
from keras_gallery.serving.engines.openvino.engine import OpenVino
from keras_gallery.serving.engines.openvino.files import OpenVinoFiles
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.export.writing import export

from .. import text_models
from ..task_models import quadrant_detector, regressor

TABLE = Table((NumberColumn("wind"), CategoryColumn("sea area", ("Biscay", "Fisher"), missing="Fisher")))
MODELS: dict[str, Any] = {
    "table": lambda: (regressor((TABLE.width,)), TABLE, {"regress_rows", "embed_rows", "regress_example"}),
    "detector": lambda: (quadrant_detector(), None, {"detect"}),
    "sequences": lambda: (text_models.sequence_classifier(), None, {"classify", "classify_padded", "embed_padded"}),
}


def load(folder: Path, tmp_path: Path) -> dict[str, Any]:
    """Returns the runners of a server without TensorFlow."""
    signatures = saved_model.signatures_of(saved_model.read_meta_graph(folder, ["serve"]))
    runners = OpenVino(OpenVinoFiles(tmp_path / "cache")).load(folder, signatures)
    assert signatures.keys() == runners.keys()
    return dict(runners)


def texts(*values: str) -> Any:
    return np.array([*map(str.encode, values), None], object)[:-1]


@pytest.mark.parametrize("name", MODELS)
def test_every_signature_runs_without_tensorflow(name: str, tmp_path: Path) -> None:
    model, preparation, expected = MODELS[name]()
    folder = export(model, name, tmp_path, preparation=preparation)
    runners = load(folder, tmp_path)
    assert expected <= runners.keys()
    if name == "table":
        inputs = {"wind": np.array([1.5, 2], np.float32), "sea area": texts("Biscay", " ")}
        want = model(np.array([[1.5, 1, 0], [2, 0, 1]], np.float32)).numpy()
        got = runners["regress_rows"](inputs, ["prediction"])["prediction"]
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
        with pytest.raises(InvalidArgument, match="^Expected a category of the column sea area: .* Received: Dover$"):
            runners["regress_rows"](inputs | {"sea area": texts("Biscay", "Dover")}, ["prediction"])
