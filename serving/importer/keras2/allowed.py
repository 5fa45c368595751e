"""Decides whether Keras 2 can load a configuration without running code from the file. Imports no library."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..reading.known_classes import NAMES
from .tables import POLICIES, REPLACED, TRAINING_ONLY

FUNCTION_LAYERS = ("TFOpLambda", "SlicingOpLambda")
# Values in the arguments of calls.
_VALUES = ("__ellipsis__", "__tuple__", "TensorShape")
# Classes that are harmless in Keras 2. Lookup layers are left out, because they can read any file.
_CLASSES = (
    NAMES
    | {*FUNCTION_LAYERS, *REPLACED, *POLICIES, *TRAINING_ONLY, *_VALUES}
    | {"AddLoss", "AddMetric", "LocallyConnected1D", "LocallyConnected2D"}
) - {"StringLookup", "IntegerLookup", "TextVectorization"}
# Functions of TensorFlow that only compute, without functions as arguments.
_MODULES = "math nn linalg signal image bitwise random __operators__"
_FUNCTIONS = """
    add_n argsort batch_to_space boolean_mask broadcast_to cast clip_by_norm clip_by_value concat convert_to_tensor
    cumsum dtypes.cast dtypes.saturate_cast einsum ensure_shape expand_dims eye fill floor_div gather gather_nd identity
    keras.backend.batch_flatten linspace matmul meshgrid norm one_hot ones ones_like pad range rank repeat reshape
    reverse reverse_sequence roll scatter_nd searchsorted sequence_mask shape size slice sort space_to_batch split
    squeeze stack stop_gradient strided_slice tensor_scatter_nd_add tensor_scatter_nd_max tensor_scatter_nd_min
    tensor_scatter_nd_sub tensor_scatter_nd_update tensordot tile transpose unstack where where_v2 zeros zeros_like
"""
_FUNCTION = re.compile(
    rf"(compat\.v1\.)?(({'|'.join(_MODULES.split())})\.[a-z0-9_]+|{'|'.join(map(re.escape, _FUNCTIONS.split()))})"
)
# Functions in these modules that read files, decode files, or change TensorFlow's state.
_EXCLUDED = re.compile(r"sampl|file|decode|encode|seed|generator|extract_jpeg|is_jpeg|rnn|state")


def is_installed() -> bool:
    """Whether Keras 2 (the package tf_keras) is installed."""
    return importlib.util.find_spec("tf_keras") is not None


def is_harmless(config: Any) -> bool:
    """Whether a configuration has only classes and functions that run no code from the file and read no files."""
    return all(map(_is_known, _objects(config)))


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if "class_name" in value:
            yield value
        for each in value.values():
            yield from _objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _is_known(value: Mapping[str, Any]) -> bool:
    name, module = value["class_name"], value.get("module")
    if not isinstance(name, str) or (module is not None and str(module).partition(".")[0] not in ("keras", "tf_keras")):
        return False  # Keras 2 imports the module
    if name not in FUNCTION_LAYERS:
        return name in _CLASSES
    config = value.get("config")
    function = config.get("function") if isinstance(config, Mapping) else None
    return isinstance(function, str) and bool(_FUNCTION.fullmatch(function)) and not _EXCLUDED.search(function)
