"""Chooses the signatures of an exported Keras model, from the names of the model's layers, inputs and outputs.

`find.py` recognizes the type of a model, such as classifier. For each type, one file makes the endpoints.
"""

from .base import Endpoint
from .find import Texts, endpoints

__all__ = ["Endpoint", "Texts", "endpoints"]
