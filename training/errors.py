"""What a user of the training can mend, each message one line: `Expected …. Received: ….`

GalleryError                 (models/errors.py)
├── UnknownDataset           no such source
├── UnknownRecipe            the model has no such recipe
├── DataUnavailable          the source's files are not here and cannot be fetched
├── BadData                  a file that cannot be read, or values that no model here takes
├── BadFolder                runs cannot be kept there
├── Diverged                 the loss is no longer a finite number
└── UnknownRun               no finished run there
"""

from ..models.errors import GalleryError


class UnknownDataset(GalleryError):
    """No dataset of that name."""


class UnknownRecipe(GalleryError):
    """The model has no recipe of that name."""


class DataUnavailable(GalleryError):
    """The dataset's files are not here and cannot be fetched."""


class BadData(GalleryError):
    """A file that cannot be read, or values that the model cannot take."""


class BadFolder(GalleryError):
    """Runs cannot be kept there."""


class Diverged(GalleryError):
    """The loss is no longer a finite number."""


class UnknownRun(GalleryError):
    """No finished run there."""
