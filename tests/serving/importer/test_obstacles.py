"""Tests that an import says what the doctor knows: states, and code in activations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.errors import FailedPrecondition
from keras_gallery.serving.importer.examine import refuse_obstacles
from keras_gallery.serving.importer.reading.config import read_config


def written(folder: Path, *layers: dict[str, Any], class_name: str = "Sequential") -> Path:
    """Writes a model.json with a model of these layers. The file has no weights, because a test reads only the layers.

    In a functional model, the last layer is the output.
    """
    config: dict[str, Any] = {"name": "m", "layers": list(layers)}
    if class_name == "Functional":
        config |= {"input_layers": [["x", 0, 0]], "output_layers": [[layers[-1]["name"], 0, 0]]}
    topology = {"model_config": {"class_name": class_name, "config": config}, "keras_version": "3.15.1"}
    (folder / "model.json").write_text(json.dumps({"modelTopology": topology, "weightsManifest": []}), "utf-8")
    return folder


def layer(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": name, "dtype": "float32", **config}}


STATEFUL = layer("LSTM", "memory", units=2, stateful=True)
TENSOR = {"class_name": "__keras_tensor__", "config": {"shape": [2, 7, 5], "keras_history": ["x", 0, 0]}}


@pytest.mark.parametrize(
    ("inner", "name"),
    [
        (STATEFUL, "memory"),
        (layer("Bidirectional", "both", layer=STATEFUL), "both/memory"),
        (layer("Sequential", "part", layers=[STATEFUL]), "part/memory"),
    ],
)
def test_a_stateful_layer(tmp_path: Path, inner: dict[str, Any], name: str) -> None:
    with pytest.raises(FailedPrecondition, match=rf"^layer '{name}' \(LSTM\) with stateful=True: .*\(use stateful=F"):
        refuse_obstacles(written(tmp_path, inner), trust=False)


@pytest.mark.parametrize(
    ("state", "refused"),
    [
        ([{"class_name": "__tensor__", "config": {"value": [[0.0, 0.0]], "dtype": "float32"}}], True),
        ([TENSOR, [["0.0", "0.0", "0.0"]]], True),
        ([TENSOR, TENSOR], False),
    ],
)
def test_a_constant_state(tmp_path: Path, state: list[Any], refused: bool) -> None:
    start = {**layer("InputLayer", "x", batch_shape=[2, 7, 5]), "name": "x", "inbound_nodes": []}
    call = {"args": [TENSOR], "kwargs": {"initial_state": state}}
    rnn = {**layer("LSTM", "rnn", units=3), "name": "rnn", "inbound_nodes": [call]}
    place = written(tmp_path, start, rnn, class_name="Functional")
    if not refused:
        refuse_obstacles(place, trust=False)
        return
    with pytest.raises(FailedPrecondition, match=r"^layer 'rnn' \(LSTM\) with a constant as initial_state: .*make any"):
        refuse_obstacles(place, trust=False)


def test_readers_report_unreadable_files_and_untrusted_code(tmp_path: Path) -> None:
    refuse_obstacles(written(tmp_path, layer("Lambda", "code")), trust=False)
    (tmp_path / "model.json").write_text('{"modelTopology": {"model_config": 1}}', "utf-8")
    refuse_obstacles(tmp_path, trust=False)


def test_lambdas_as_activations_are_marked_as_code(tmp_path: Path) -> None:
    code = {"value": ["4wEAAAA=", None, None]}
    config = read_config(written(tmp_path, layer("Dense", "d", activation=code, units=1)))
    assert config["config"]["layers"][0]["config"]["activation"] == {"class_name": "__lambda__", "config": code}


def test_a_renamed_batch_shape_of_keras_3(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, layer("InputLayer", "x", batch_input_shape=[None, 4])))
    assert config["config"]["layers"][0]["config"]["batch_shape"] == [None, 4]
