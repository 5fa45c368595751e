"""Engines: each turns a signature of a SavedModel into a callable on NumPy arrays. `base.py` says how."""

from .base import Arrays, Engine, Runner
from .openvino import OpenVino
from .tensorflow import TensorFlow

__all__ = ["Arrays", "Engine", "OpenVino", "Runner", "TensorFlow"]
