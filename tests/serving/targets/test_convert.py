"""Tests exports to other runtimes: the outputs are compared, incomplete files are removed, errors have one line."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from keras_gallery.serving.errors import AlreadyExists, FailedPrecondition, InvalidArgument, ServingError
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import keras
    import numpy as np
    from keras_gallery.serving.targets.convert import TARGETS, default_place, export_to

    from ..task_models import classifier


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return classifier((4,))


class Target(SimpleNamespace):
    """A fake target. Its runtime calls the function of the endpoint and adds `off` to the outputs."""

    SUFFIX, WHOLE, off = ".txt", False, 0.0

    def write(self, model: keras.Model, endpoint: Any, place: Path) -> list[str]:
        place.write_text("model")
        place.with_suffix(".bin").write_text("weights")
        return ["a note"]

    def runner(self, place: Path, endpoint: Any) -> Any:
        def run(inputs: dict[str, Any]) -> dict[str, Any]:
            outputs = endpoint.function(inputs["features"])
            return {key: self.changed(np.asarray(value)) for key, value in outputs.items()}

        return run

    def changed(self, value: Any) -> Any:
        return value + np.float32(self.off)

    def runtime(self, place: Path) -> str:
        return "Abacus 3"


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Target:
    abacus = Target()
    monkeypatch.setitem(TARGETS, "abacus", "abacus")
    real = importlib.import_module
    fake = "keras_gallery.serving.targets"
    monkeypatch.setattr(
        importlib, "import_module", lambda n, p=None: abacus if (n, p) == (".abacus", fake) else real(n, p)
    )
    return abacus


def test_an_export_returns_the_files_and_the_comparison(tmp_path: Path, model: keras.Model, target: Target) -> None:
    target.off = 3e-5
    written = export_to("abacus", model, tmp_path / "new" / "m.txt")
    assert written.place == tmp_path / "new" / "m.txt" and written.notes == ["a note"]
    assert written.runtime == "Abacus 3" and written.difference == pytest.approx(3e-5, rel=0.01)
    assert (written.inputs, written.outputs) == (["features"], ["probabilities"])
    assert sorted(each.name for each in written.place.parent.iterdir()) == ["m.bin", "m.txt"]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (lambda x: x + np.float32(2e-4), "probabilities off by 2.0e-04 at batch 1"),
        (lambda x: x * np.float32(np.nan), "probabilities off by inf at batch 1"),
        (lambda x: x[:, :2], r"probabilities of shape \(1, 2\) and type float32 at batch 1"),
        (lambda x: x.astype(int), r"probabilities of shape \(1, 3\) and type int64 at batch 1"),
        (lambda x: x if len(x) == 1 else 1 - x, "probabilities off by .* at batch 7"),
    ],
)
def test_wrong_outputs_leave_no_files(
    tmp_path: Path, model: keras.Model, target: Target, changed: Any, what: str
) -> None:
    target.changed = changed
    with pytest.raises(FailedPrecondition, match=f"Wrong outputs of m.txt in Abacus 3, .*: {what}"):
        export_to("abacus", model, tmp_path / "m.txt")
    assert not any(tmp_path.iterdir())


def test_errors_of_a_converter_are_shown_in_one_line(
    tmp_path: Path, model: keras.Model, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: Any) -> None:
        raise KeyError("no\nsuch")

    monkeypatch.setattr(target, "write", write)
    with pytest.raises(FailedPrecondition, match=r"cannot be converted to m.txt: KeyError: 'no\\nsuch'$"):
        export_to("abacus", model, tmp_path / "m.txt")
    assert not any(tmp_path.iterdir())


def test_the_tolerance_is_relative_for_large_values(tmp_path: Path, target: Target) -> None:
    x = keras.Input((4,), name="features")
    large = keras.Model(x, keras.layers.Rescaling(1e6, 1e6, name="prediction")(x))
    target.changed = lambda x: x * np.float32(1 + 5e-5)  # an absolute error of 50 or more
    assert export_to("abacus", large, tmp_path / "m.txt").difference == pytest.approx(5e-5, rel=0.05)


@pytest.mark.parametrize("name", ["m.txt", "m.bin"])
def test_existing_files_are_not_overwritten(tmp_path: Path, model: keras.Model, target: Target, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(AlreadyExists, match=f"{name} already exists"):
        export_to("abacus", model, tmp_path / "m.txt")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("to", "name", "signature", "error", "what"),
    [
        ("abacus", "m.zip", "serving_default", InvalidArgument, "ends in .txt. Received: .*m.zip"),
        ("coreml", "m.zip", "serving_default", InvalidArgument, "Expected a target: keras, h5, .* Received: coreml"),
        ("abacus", "m.txt", "paint", InvalidArgument, "Expected a signature: serving_default, .* Received: paint"),
        ("abacus", "m.txt", "classify_example", FailedPrecondition, "numeric inputs. Received: classify_example"),
        ("keras", "m.keras", "embed", InvalidArgument, "exports the whole model, .* Received: embed"),
    ],
)
def test_invalid_arguments(
    tmp_path: Path,
    model: keras.Model,
    target: Target,
    to: str,
    name: str,
    signature: str,
    error: type[ServingError],
    what: str,
) -> None:
    with pytest.raises(error, match=what):
        export_to(to, model, tmp_path / name, signature)
    assert not any(tmp_path.iterdir())


def test_default_file_names() -> None:
    names = [default_place(target, "m") for target in ("keras", "h5", "tfjs", "onnx", "openvino")]
    assert names == ["m.keras", "m.h5", "m-tfjs", "m.onnx", "m.xml"]
