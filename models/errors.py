"""What a user can mend, each message one line: `Expected …. Received: ….`

GalleryError                 (a ValueError)
├── UnknownModel             no such architecture
└── BadHyperparameter        no such hyperparameter, or a value it cannot take
"""

import difflib
from collections.abc import Iterable


class GalleryError(ValueError):
    """The base of every error that the user can mend."""


class UnknownModel(GalleryError):
    """No architecture of that name."""


class BadHyperparameter(GalleryError):
    """No hyperparameter of that name, or a value that it cannot take."""


def closest(name: str, names: Iterable[str]) -> list[str]:
    """Up to three of `names` that look like `name`, the most alike first."""
    return difflib.get_close_matches(name, list(names), n=3, cutoff=0.5)


def expected_one_of(kind: str, name: str, names: Iterable[str]) -> str:
    """The message for a name that is not there: `Expected a model: …. Received: …. Did you mean …?`"""
    names = list(names)
    message = f"Expected {kind}: {', '.join(names) or 'there is none'}. Received: {name}."
    alike = closest(name, names)
    return f"{message} Did you mean {' or '.join(alike)}?" if alike else message
