"""Tests that Keras loads exported `.keras` files without this project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from keras_gallery.serving.errors import FailedPrecondition
from keras_gallery.serving.quiet import quiet_import

with quiet_import():
    import keras
    import numpy as np
    from keras_gallery.serving.signatures import endpoints
    from keras_gallery.serving.targets.convert import export_to
    from keras_gallery.serving.targets.fresh_process import FreshProcess

    from ...models.layer_checks import to_numpy
    from ...models.registered import small


def test_keras_loads_the_file_without_this_project(tmp_path: Path) -> None:
    model = small("detector")  # the model has outputs in a dict and the custom layer `CellBoxes`
    model.compile("adam", loss=[keras.losses.MeanSquaredError()] * 2)
    written = export_to("keras", model, tmp_path / "m.keras")
    assert written.notes == [
        "cell_boxes: CellBoxes written as Activation, Conv2D, Flatten, Normalization, Reshape",
        "an import of the file needs the option --pixels 0..1 for the signatures detect_png",
    ]
    assert written.runtime == f"Keras {keras.__version__}"
    again = keras.saving.load_model(written.place)
    assert not again.compiled
    x = np.random.default_rng(1).random((2, 16, 16, 1), np.float32)
    for name, value in model(x).items():
        np.testing.assert_allclose(to_numpy(again(x)[name]), to_numpy(value), atol=1e-5)


def test_the_notes_name_the_signatures_that_the_file_loses(tmp_path: Path) -> None:
    written = export_to("keras", small("denoising_autoencoder"), tmp_path / "m.keras")
    assert written.notes[-1] == "an import of the file does not have the signatures denoise, denoise_png"
    tokens = {"text": {"names": ["a", "b", "c", "d"], "split": "words"}}
    written = export_to("keras", small("sequence_to_vector"), tmp_path / "n.keras", texts=tokens)
    assert written.notes[-1] == "an import of the file does not have the signatures classify_text, embed_text"


def test_custom_layers_are_an_error_in_a_process_without_this_project(tmp_path: Path) -> None:
    model = small("denoising_autoencoder")
    model.save(tmp_path / "m.keras")  # the model has the custom layer `Corruption`
    process = FreshProcess("keras", tmp_path / "m.keras", endpoint := endpoints(model)["serving_default"])
    with pytest.raises(
        FailedPrecondition, match="cannot load the file without this project: TypeError: .*Corruption"
    ) as caught:
        process(endpoint.example(1))
    assert "\n" not in str(caught.value)


def test_the_error_names_a_missing_package(tmp_path: Path) -> None:
    script = Path(sys.modules[FreshProcess.__module__].__file__ or "").with_name("keras_reader.py")
    done = subprocess.run([sys.executable, "-I", script, "no_such_keras", "m.keras"], capture_output=True, text=True)
    assert done.stdout == "ModuleNotFoundError: No module named 'no_such_keras'\n"
