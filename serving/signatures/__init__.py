"""Which signatures a Keras model is exported with, found by convention: data in, named data out.

`find.py` tells the kinds of models apart, a file for each kind makes its endpoints.
"""

from .base import Endpoint
from .find import Texts, endpoints

__all__ = ["Endpoint", "Texts", "endpoints"]
