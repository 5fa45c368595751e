"""Engines: each turns a signature of a SavedModel into a callable on NumPy arrays. `base.py` says how."""

from .base import Arrays, Engine, NotHere, Runner, bytes_of
from .conversion import Converter
from .openvino import OpenVino
from .openvino_files import OpenVinoFiles
from .tensorflow import TensorFlow
from .tensorflow_process import TensorFlowProcess

__all__ = [
    "Arrays",
    "Converter",
    "Engine",
    "NotHere",
    "OpenVino",
    "OpenVinoFiles",
    "Runner",
    "TensorFlow",
    "TensorFlowProcess",
    "bytes_of",
]
