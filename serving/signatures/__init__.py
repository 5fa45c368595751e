"""Finds the signatures with which a Keras model is exported, from the names of its layers, inputs and outputs.

`find.py` recognizes the type of a model, such as classifier. For each type, one file makes the endpoints.
"""

from .base import Endpoint
from .find import Texts, endpoints

__all__ = ["Endpoint", "Texts", "endpoints"]
