"""The gallery's model architectures: functional Keras models that run on every Keras backend."""

from .errors import BadHyperparameter, GalleryError, UnknownModel
from .hyperparameters import Hyperparameter
from .registry import ModelInfo, builder, create, describe, list_models, register

__all__ = [
    "BadHyperparameter",
    "GalleryError",
    "Hyperparameter",
    "ModelInfo",
    "UnknownModel",
    "builder",
    "create",
    "describe",
    "list_models",
    "register",
]
