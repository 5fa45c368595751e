"""The architectures: pure functional Keras on `keras.ops`, so that any Keras backend runs them.

from keras_gallery.models import create
model = create("denoising_autoencoder", code_dim=64)
"""

from .errors import GalleryError
from .registry import create, describe, list_models, register

__all__ = ["GalleryError", "create", "describe", "list_models", "register"]
