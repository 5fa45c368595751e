"""Tests of the sandbox of the TensorFlow process: it runs models, and cannot write files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving import landlock, saved_model
from keras_gallery.serving.engines.tensorflow.engine import TensorFlow
from keras_gallery.serving.engines.tensorflow.process import TensorFlowProcess
from keras_gallery.serving.errors import ServingError
from keras_gallery.serving.quiet import quiet_import


@pytest.fixture(scope="module", params=[False, True], ids=["free", "in the sandbox"])
def engine(request: Any) -> Iterator[tuple[TensorFlow, bool]]:
    owner = TensorFlowProcess(1, 1, sandbox=request.param)
    engine = TensorFlow(owner.address)
    yield engine, request.param
    engine.close()
    owner.close()


@pytest.mark.skipif(landlock.version() < 2, reason="needs Landlock of Linux 5.19 or newer")
def test_a_model_cannot_write_files(engine: tuple[TensorFlow, bool], tmp_path: Path) -> None:
    with quiet_import():
        import tensorflow as tf
    written = tmp_path / "written"

    def write(x: Any) -> Any:
        tf.io.write_file(str(written), "text")
        return {"y": 2 * x}

    module = tf.Module()
    module.write = tf.function(write, [tf.TensorSpec((None,), tf.float32, "x")])
    module.double = tf.function(lambda x: {"y": 2 * x}, [tf.TensorSpec((None,), tf.float32, "x")])
    tf.saved_model.save(module, str(tmp_path / "m"), {"write": module.write, "double": module.double})
    runner, restricted = engine
    loaded = runner.load(tmp_path / "m", saved_model.read_signatures(tmp_path / "m"))
    x = {"x": np.ones(2, np.float32)}
    assert loaded["double"](x, ["y"])["y"].tolist() == [2, 2]
    if restricted:
        with pytest.raises(ServingError, match="(?i)permission"):
            loaded["write"](x, ["y"])
    else:
        loaded["write"](x, ["y"])
    assert written.exists() is not restricted
    for each in loaded.values():
        each.close()
