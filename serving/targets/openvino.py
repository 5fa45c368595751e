"""Exports a signature to OpenVINO's intermediate representation: an .xml file and a .bin file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..engines.openvino.engine import make_core
from ..errors import FailedPrecondition
from ..signatures import Endpoint
from .concrete import frozen

SUFFIX, WHOLE = ".xml", False
Arrays = dict[str, np.ndarray[Any, Any]]


def runtime(place: Path) -> str:
    """Returns the version of OpenVINO."""
    import openvino

    return f"OpenVINO {openvino.__version__.partition('-')[0]}"


def write(model: keras.Model, endpoint: Endpoint, place: Path) -> list[str]:
    """Writes the endpoint with the same names of inputs and outputs. Returns no notes.

    Recurrent layers become OpenVINO's fused operations.
    """
    import openvino

    from ..engines.recurrent.fusion import fuse

    module = tf.Module()
    module.function = frozen(endpoint)
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        # Saving custom gradients, such as swish's, fails for a frozen graph, which does not need gradients.
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(module, folder, module.function.get_concrete_function(), options)
        try:
            converted = make_core().read_model(folder)
            fuse(converted)
            openvino.save_model(converted, str(place), compress_to_fp16=False)
        except (RuntimeError, ValueError) as error:
            lines = str(error).strip().splitlines()
            reason = next((line.strip("- ") for line in lines if "No conversion rule" in line), lines[-1])
            raise FailedPrecondition(f"OpenVINO cannot convert the signature: {reason}") from error
    return []


def runner(place: Path, endpoint: Endpoint) -> Callable[[Arrays], Arrays]:
    """Returns a function that runs the file in OpenVINO, on the CPU."""
    compiled = make_core().compile_model(str(place), "CPU")

    def run(inputs: Arrays) -> Arrays:
        outputs = compiled({name: inputs[name] for port in compiled.inputs for name in port.names if name in inputs})
        return {name: value for port, value in outputs.items() for name in port.names}

    return run
