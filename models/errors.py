"""Errors that the user can fix. Each error message is a single line.

GalleryError                 (a ValueError)
├── UnknownModel             no model has this name
└── BadHyperparameter        the hyperparameter is unknown, or its value is not allowed
"""

import difflib
from collections.abc import Iterable


class GalleryError(ValueError):
    """Base class of all errors that the user can fix."""


class UnknownModel(GalleryError):
    """No model has this name."""


class BadHyperparameter(GalleryError):
    """The hyperparameter is unknown, or its value is not allowed."""


def closest(name: str, names: Iterable[str]) -> list[str]:
    """Returns up to three of `names` that are spelled like `name`, the most similar first."""
    return difflib.get_close_matches(name, list(names), n=3, cutoff=0.5)


def unknown_name(noun: str, name: str, names: Iterable[str]) -> str:
    """Returns the error message for an unknown name, such as `Unknown model: gro. Did you mean gru? Available: gru.`

    Args:
        noun: what the name stands for, such as `model`.
        name: the unknown name.
        names: the known names.
    """
    names = list(names)
    similar = closest(name, names)
    suggestion = f" Did you mean {' or '.join(similar)}?" if similar else ""
    return f"Unknown {noun}: {name}.{suggestion} Available: {', '.join(names) or 'none'}."
