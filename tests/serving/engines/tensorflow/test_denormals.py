"""Tests that `flush` changes the treatment of denormal numbers in one thread only."""

from __future__ import annotations

import threading

import numpy as np
from keras_gallery.serving.engines.tensorflow import denormals


def test_only_the_calling_thread_treats_denormals_as_zero() -> None:
    denormal = np.float32([1e-40])
    results = []

    def run() -> None:
        results.append((denormal * np.float32(1)).tolist())
        denormals.flush()
        results.append((denormal * np.float32(1)).tolist())  # the input is denormal
        results.append((np.float32([1e-30]) * np.float32(1e-10)).tolist())  # the result is denormal

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    kept = denormal.tolist()
    assert results == [kept, [0.0], [0.0]]
    assert (denormal * np.float32(1)).tolist() == kept
