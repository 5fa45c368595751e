"""Denormal numbers in a thread of their own."""

from __future__ import annotations

import threading

import numpy as np
from keras_gallery.serving.engines.tensorflow import denormals


def test_one_thread_flushes_denormals_and_no_other() -> None:
    denormal = np.float32([1e-40])
    found = []

    def run() -> None:
        found.append((denormal * np.float32(1)).tolist())
        denormals.flush()
        found.append((denormal * np.float32(1)).tolist())  # as an input
        found.append((np.float32([1e-30]) * np.float32(1e-10)).tolist())  # as a result

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    kept = denormal.tolist()
    assert found == [kept, [0.0], [0.0]]
    assert (denormal * np.float32(1)).tolist() == kept
