"""Errors in training that the user can fix. Each message is one line.

GalleryError                 (models/errors.py)
├── UnknownDataset           no dataset has this name
├── UnknownRecipe            the model has no recipe with this name
├── BadRecipe                a recipe file cannot be read, or a recipe has unknown keys or wrong values
├── DataUnavailable          files of the dataset are missing and cannot be downloaded
├── BadData                  a file cannot be read, or contains values that the models do not support
├── BadFolder                a folder for runs or results cannot be read or written
├── BadSpace                 a search space cannot be read, or leaves nothing to try
├── NotInstalled             an option needs a package that is not installed
├── Diverged                 the loss is no longer a finite number
├── BadResume                there is no unfinished training to resume, or its settings or its data are different
└── UnknownRun               there is no finished run, or its files are damaged
"""

from ..models.errors import GalleryError


class UnknownDataset(GalleryError):
    """No dataset has this name."""


class UnknownRecipe(GalleryError):
    """The model has no recipe with this name."""


class BadRecipe(GalleryError):
    """A recipe file cannot be read, or a recipe has unknown keys or wrong values."""


class DataUnavailable(GalleryError):
    """Files of the dataset are missing and cannot be downloaded."""


class BadData(GalleryError):
    """A file cannot be read, or contains values that the models do not support."""


class BadFolder(GalleryError):
    """A folder for runs or results cannot be read or written."""


class Diverged(GalleryError):
    """The loss is no longer a finite number."""


class BadSpace(GalleryError):
    """A search space cannot be read, or leaves nothing to try."""


class NotInstalled(GalleryError):
    """An option needs a package that is not installed."""


class BadResume(GalleryError):
    """There is no unfinished training to resume, or its settings or its data are different."""


class UnknownRun(GalleryError):
    """There is no finished run, or its files are damaged."""
