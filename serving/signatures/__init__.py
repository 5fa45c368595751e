"""Finds the signatures with which a Keras model is exported, from the names of its layers, inputs and outputs.

`find.py` recognizes the kind of a model. The other files make the endpoints, one file per kind.
"""

from .base import Endpoint
from .find import Texts, endpoints

__all__ = ["Endpoint", "Texts", "endpoints"]
