"""What a user can mend, in one line: what was expected and what came.

GalleryError
├── UnknownModel
└── BadHyperparameter
"""


class GalleryError(ValueError):
    """Base of all: the message reads "Expected …. Received: …"."""


class UnknownModel(GalleryError):
    """No architecture has this name."""


class BadHyperparameter(GalleryError):
    """An unknown hyperparameter, or a value of the wrong type or out of range."""
