"""Chooses the signatures of an exported Keras model, from the names of the model's layers, inputs and outputs.

`find.py` recognizes the type of a model. The other files define the endpoints of each model type.
"""

from .base import Endpoint
from .find import Texts, endpoints

__all__ = ["Endpoint", "Texts", "endpoints"]
