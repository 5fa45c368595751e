"""Tests the lines that an import prints about pixel values, classes and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest
from keras import layers
from keras_gallery.serving import description
from keras_gallery.serving.errors import FailedPrecondition, InvalidArgument
from keras_gallery.serving.importer import inputs, worker
from keras_gallery.serving.importer.parts import named_parts
from keras_gallery.serving.importer.reading.result import ReadResult
from keras_gallery.serving.signatures import endpoints


def model(*last: Any, shape: tuple[int, ...] = (4,)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *last])


def images(*first: Any) -> keras.Model:
    found = model(*first, layers.Flatten(), layers.Dense(2, "softmax"), shape=(4, 4, 1))
    named, _ = inputs.named_classes(named_parts(found)[0], None)
    return named


def classes(found: keras.Model, labels: list[str] | None = None) -> tuple[set[str], list[str]]:
    """Returns the signatures, and the lines of text."""
    named, notes = named_parts(found)
    named, more = inputs.named_classes(named, labels)
    return set(endpoints(named, labels=labels)), notes + more


def nested() -> keras.Model:
    head = keras.Sequential([keras.Input((4,)), layers.Dense(3, "softmax", name="last")], name="head")
    return model(layers.Dense(4), head)


@pytest.mark.parametrize(
    ("build", "labels", "line"),
    [
        (nested, ["a", "b", "c"], "classifier: head/last computes a softmax"),
        (
            lambda: model(layers.Dense(1, "sigmoid", name="y")),
            ["cat", "dog"],
            "classifier: y computes a sigmoid, which is the probability of 'dog'",
        ),
        (
            lambda: model(layers.Dense(1, "sigmoid", name="probabilities")),
            None,
            'classes: "1" if probabilities is above 0.5, otherwise "0" (--labels FILE gives them other names)',
        ),
        (
            lambda: model(layers.Dense(4, name="probabilities"), layers.Dense(3, "softmax")),
            None,
            "layer 'probabilities' is now named 'inner_probabilities', because the output has this name",
        ),
    ],
)
def test_classifiers(build: Any, labels: list[str] | None, line: str) -> None:
    signatures, lines = classes(build(), labels)
    assert {"classify", "classify_example"} <= signatures and line in lines


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda: model(layers.Dense(2, name="y")), "y computes neither a softmax nor a sigmoid"),
        (
            lambda: model(layers.Dense(2, "sigmoid", name="y")),
            "the 2 outputs of y are independent sigmoids, not the probabilities of classes",
        ),
        (
            lambda: model(layers.Dense(2, "sigmoid", name="probabilities")),
            "the model gets no signature classify",
        ),
        (
            lambda: model(layers.Conv2D(2, 1, activation="softmax", name="y"), shape=(8, 8, 3)),
            "the output y has the shape (None, 8, 8, 2), not (batch, classes)",
        ),
        (
            lambda: keras.Model((x := keras.Input((4,))), [layers.Dense(2, "softmax")(x), layers.Dense(2)(x)]),
            "the model has 2 outputs",
        ),
        (lambda: model(layers.Dense(2, name="code"), layers.Dense(4, "sigmoid")), "the model is an autoencoder"),
    ],
)
def test_labels_without_use(build: Any, reason: str) -> None:
    signatures, lines = classes(build(), ["cat", "dog"])
    assert "classify" not in signatures and lines[-1] == f"--labels is not used: {reason}"


def test_a_sigmoid_without_labels() -> None:
    signatures, lines = classes(model(layers.Dense(1, "sigmoid", name="y")), None)
    assert "classify" not in signatures
    assert lines == ["no signature classify: y computes a sigmoid (--labels FILE names its two classes)"]


def test_a_model_with_serving_default_only() -> None:
    found = model(layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2, "softmax"), shape=(4, 4, 1))
    assert inputs.named_classes(found, ["a", "b"], whole=True) == (
        found,
        ["--labels is not used: the model gets serving_default only"],
    )
    assert inputs.pixels(found, None, whole=True) == ("unknown", [])


def test_wrong_number_of_labels() -> None:
    for last in (layers.Dense(1, "sigmoid"), layers.Dense(2, "softmax")):
        with pytest.raises(InvalidArgument, match="Expected 2 labels in --labels, one for each class. Received: 3"):
            classes(model(last), ["a", "b", "c"])


@pytest.mark.parametrize(
    ("build", "given", "default", "expected", "line"),
    [
        (lambda: images(layers.Rescaling(1 / 255, name="first")), None, None, "0..255", "because the layer first conv"),
        (lambda: images(layers.Rescaling(1 / 255)), "0..1", None, "0..1", "layers of the model seem to expect 0..255"),
        (images, "-1..1", None, "-1..1", "pixel values: -1..1, as --pixels says"),
        (images, None, None, "unknown", "say it with --pixels (0..255, 0..1, -1..1)"),
        (images, None, "0..1", "0..1", ""),
        (lambda: model(layers.Dense(2)), None, None, "unknown", ""),
        (lambda: model(layers.Dense(2)), "0..1", None, "unknown", "--pixels is not used"),
        (lambda: model(layers.Conv2D(2, 1), shape=(8, 8, 3)), None, None, "unknown", ""),
    ],
)
def test_pixel_values(build: Any, given: str | None, default: str | None, expected: str, line: str) -> None:
    found, lines = inputs.pixels(build(), given, default)
    assert found == expected and len(lines) == bool(line) and line in "".join(lines)


def test_graphs_use_no_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from keras_gallery.serving.importer import answers
    from keras_gallery.serving.importer.saved_model import served_graph

    monkeypatch.setattr(
        worker, "_read", lambda *arguments: ReadResult("a graph", "kept", saved_model=tmp_path, outputs=["z", "a"])
    )
    monkeypatch.setattr(served_graph, "write", lambda *arguments: ([], None))
    monkeypatch.setattr(answers, "write", lambda *arguments: None)
    monkeypatch.setattr(worker.precision, "write", lambda *arguments: None)
    monkeypatch.setattr(worker.precision, "of_graph", lambda graph: 0.0)
    monkeypatch.setattr(worker.saved_model, "read_meta_graph", lambda folder: None)
    request = dict.fromkeys(("encoder", "decoder", "save", "pixels", "whole")) | {"name": "m", "labels": ["cat"]}
    request["file"] = "digits/model.json"
    lines: list[str] = []
    worker.run({**request, "folder": str(tmp_path)}, lines.append)
    assert lines[-1] == "    --labels is not used: the import adds no signatures to a graph without layers"
    described = description.read(tmp_path / "version")
    assert (described.file, described.format) == ("digits/model.json", "a graph")
    assert described.in_order("serving_default", ["a", "z"]) == ["z", "a"]


def test_a_vocabulary_that_hdf5_lost(tmp_path: Path, read: Any) -> None:
    x = keras.Input((1,), dtype="string")
    lookup = layers.StringLookup(name="words")
    lookup.adapt([["a"], ["b"]])
    keras.Model(x, lookup(x)).save(tmp_path / "m.h5")
    with pytest.raises(FailedPrecondition, match="lacks the vocabulary of the layer words. HDF5 files do not"):
        inputs.check_vocabularies(read(tmp_path / "m.h5").model)
    keras.Model(x, lookup(x)).save(tmp_path / "m.keras")
    inputs.check_vocabularies(read(tmp_path / "m.keras").model)


def test_layers_of_feature_space(tmp_path: Path, read: Any) -> None:
    from keras.src.layers.preprocessing.feature_space import TFDConcat, TFDIdentity

    a, b = keras.Input((1,), name="a"), keras.Input((1,), name="b")
    keras.Model([a, b], TFDIdentity()(TFDConcat(axis=-1)([a, b]))).save(tmp_path / "m.keras")
    assert read(tmp_path / "m.keras").model.output_shape == (None, 2)
