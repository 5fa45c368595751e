"""Progress lines on standard error, so that standard output holds only a command's results."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .. import loading as imports
from ..serving.printable import printable


def progress(step: str) -> None:
    """Prints the name of a step, followed by an ellipsis, such as "Writing the SavedModel ..."."""
    print(f"{printable(step)} ...", file=sys.stderr, flush=True)


@contextmanager
def loading() -> Iterator[None]:
    """Prints a progress line if Keras is not imported yet, then runs the block in `keras_gallery.loading.loading`."""
    if "keras" not in sys.modules:
        progress("Loading Keras and TensorFlow")
    with imports.loading():
        yield
