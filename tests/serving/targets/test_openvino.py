"""Tests that OpenVINO runs exported OpenVINO files and returns the outputs of the model."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import openvino
import pytest
from keras_gallery.serving.errors import FailedPrecondition
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import numpy as np
    from keras_gallery.serving.targets.convert import export_to

    from ...models.layer_checks import randomise, to_numpy
    from ...models.registered import small


def operations(place: Path) -> set[str]:
    return {layer.attrib["type"] for layer in ElementTree.parse(place).iter("layer")}


def test_a_recurrent_layer_is_a_fused_operation(tmp_path: Path) -> None:
    model = small("lstm")
    randomise(model)
    written = export_to("openvino", model, tmp_path / "m.xml")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["m.bin", "m.xml"]
    assert "LSTMSequence" in operations(written.place) and "Loop" not in operations(written.place)
    x = np.random.default_rng(1).random((3, 6, 2), np.float32)
    compiled = openvino.Core().compile_model(str(written.place), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    np.testing.assert_allclose(compiled({"sequence": x})["prediction"], to_numpy(model(x)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "signature", "outputs"),
    [
        ("detector", "serving_default", {"cell_probabilities", "cell_boxes"}),
        ("mlp_classifier", "classify", {"probabilities", "label", "score"}),
        ("sequence_to_vector", "serving_default", {"probabilities"}),
        ("dense_autoencoder", "encode", {"code"}),
    ],
)
def test_names_of_inputs_and_outputs(tmp_path: Path, name: str, signature: str, outputs: set[str]) -> None:
    written = export_to("openvino", small(name), tmp_path / "m.xml", signature)
    read = openvino.Core().read_model(str(written.place))
    assert set().union(*(port.names for port in read.inputs)) >= set(written.inputs)
    assert set().union(*(port.names for port in read.outputs)) >= outputs == set(written.outputs)
    assert read.inputs[0].get_partial_shape()[0].is_dynamic


def test_an_operation_that_openvino_lacks(tmp_path: Path) -> None:
    with pytest.raises(
        FailedPrecondition, match="cannot convert the signature: No conversion rule found for operations: Stateless"
    ):
        export_to("openvino", small("variational_autoencoder"), tmp_path / "m.xml", "generate")
    assert not any(tmp_path.iterdir())
