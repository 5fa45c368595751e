"""Progress lines on standard error, so that standard output holds only a command's results."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .. import loading as imports


def progress(step: str) -> None:
    """Prints a step that takes seconds: "Writing the SavedModel ..."."""
    print(f"{step} ...", file=sys.stderr, flush=True)


@contextmanager
def loading() -> Iterator[None]:
    """A block of imports that loads Keras and TensorFlow, which takes seconds. See `keras_gallery.loading`."""
    if "keras" not in sys.modules:
        progress("Loading Keras and TensorFlow")
    with imports.loading():
        yield
