"""Imports TensorFlow and Keras without their messages, and in programs also without packages that are not needed."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# Keras imports these packages if they are installed, for functions that this project does not use.
UNUSED = ("matplotlib", "pandas", "sklearn")


@contextmanager
def quiet_import() -> Iterator[None]:
    """Hides the text that a `with` block writes to stderr. If the block raises an exception, the text is shown."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def import_keras() -> None:
    """Imports Keras in about half the time, without the packages in `UNUSED`. Only our own programs call this.

    A user's program may need the functions of Keras that use these packages, such as `keras.wrappers`. After this call,
    the packages can be imported as usual.

    Keras and TensorFlow create half a million objects that exist until the process ends. The garbage collector does not
    run during the import, and it never examines these objects.
    """
    if sys.modules.get("keras"):
        return
    # TensorFlow imports JAX for the conversion of JAX models. The backend may also be set in a file that Keras reads.
    unused = (*UNUSED, "jax") if os.environ.get("KERAS_BACKEND") == "tensorflow" else UNUSED
    hidden = [name for name in unused if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: the import of this module fails
    was_enabled = gc.isenabled()
    gc.disable()  # the garbage collector would look at the imported modules again and again, and find nothing
    try:
        import keras  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]
        gc.freeze()
        if was_enabled:
            gc.enable()
