"""Imports Keras and TensorFlow without their log lines, and with a clear error if they are not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .models.errors import GalleryError
from .serving.quiet import import_keras, quiet_import

_is_command = False


class MissingPackage(GalleryError, ImportError):
    """A package of the `models` extra is not installed."""


def missing(error: ModuleNotFoundError) -> ImportError:
    """Converts the error of an import to MissingPackage. Returns `error` if the missing module is one of our own."""
    package = (error.name or "").partition(".")[0]
    if package == __package__:
        return error
    return MissingPackage(
        f"The package {package} is not installed. In the folder of the project, run: pip install '.[models]'"
    )


def in_a_command() -> None:
    """Makes `loading` faster in this process, which must be a command of this project: see `quiet.import_keras`."""
    global _is_command
    _is_command = True


@contextmanager
def loading() -> Iterator[None]:
    """Runs a `with` block of imports without the log lines of Keras and TensorFlow.

    Raises:
        MissingPackage: a package is not installed. The message contains the pip command that installs the package.
    """
    try:
        with quiet_import():
            if _is_command:
                import_keras()
            yield
    except ModuleNotFoundError as error:
        raise missing(error) from None
