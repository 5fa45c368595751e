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

from ..task_models import regressor

TABLE = Table((NumberColumn("wind"), CategoryColumn("sea area", ("Biscay", "Fisher"), missing="Fisher")))


def load(folder: Path, tmp_path: Path) -> dict[str, Any]:
    """Returns the runners of a server without TensorFlow."""
    signatures = saved_model.signatures_of(saved_model.read_meta_graph(folder, ["serve"]))
    runners = OpenVino(OpenVinoFiles(tmp_path / "cache")).load(folder, signatures)
    assert signatures.keys() == runners.keys()
    return dict(runners)


def texts(*values: str) -> Any:
    return np.array([*map(str.encode, values), None], object)[:-1]


def test_rows_of_a_table_without_tensorflow(tmp_path: Path) -> None:
    model = regressor((TABLE.width,))
    runners = load(export(model, "table", tmp_path, preparation=TABLE), tmp_path)
    assert {"regress_rows", "embed_rows", "regress_example"} <= runners.keys()
    inputs = {"wind": np.array([1.5, 2], np.float32), "sea area": texts("Biscay", " ")}
    want = model(np.array([[1.5, 1, 0], [2, 0, 1]], np.float32)).numpy()
    got = runners["regress_rows"](inputs, ["prediction"])["prediction"]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    with pytest.raises(InvalidArgument, match="^Expected a category of the column sea area: .* Received: Dover$"):
        runners["regress_rows"](inputs | {"sea area": texts("Biscay", "Dover")}, ["prediction"])
