"""A servable is closed after its last request."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from keras_gallery.serving.engines import Arrays
from keras_gallery.serving.servable import Servable, Signature


class Runner:
    """Counts how often it is closed."""

    engine = "e"
    closed = 0

    def __call__(self, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        return inputs

    def close(self) -> None:
        self.closed += 1


def test_close_waits_for_the_last_user() -> None:
    runner = Runner()
    loaded = Servable("m", 1, None, {"s": Signature(None, runner)})  # type: ignore[arg-type]
    assert loaded.acquire()
    assert loaded.acquire()
    closing = threading.Thread(target=loaded.close)
    closing.start()
    loaded.release()
    closing.join(0.05)
    assert closing.is_alive()
    assert not runner.closed
    loaded.release()
    closing.join(10)
    assert runner.closed == 1


def test_what_is_closed_takes_no_more_users() -> None:
    loaded = Servable("m", 1, None, {})
    loaded.close()
    assert not loaded.acquire()
