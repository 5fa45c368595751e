"""Denormal numbers count as zero in one thread only."""

from __future__ import annotations

import threading

import numpy as np
from keras_gallery.serving.engines.tensorflow import denormals


def test_one_thread_flushes_denormals_and_no_other() -> None:
    denormal = np.float32([1e-40])
    results = []

    def run() -> None:
        results.append((denormal * np.float32(1)).tolist())
        denormals.flush()
        results.append((denormal * np.float32(1)).tolist())  # as an input
        results.append((np.float32([1e-30]) * np.float32(1e-10)).tolist())  # as a result

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    kept = denormal.tolist()
    assert results == [kept, [0.0], [0.0]]
    assert (denormal * np.float32(1)).tolist() == kept
