"""Architectures of tutorials for sound."""

from __future__ import annotations

from typing import Any

from .cases import Tutorials

TUTORIALS = Tutorials()


@TUTORIALS.add(keras=(3,))
def sound_classifier_from_waves(keras: Any) -> Any:
    k = keras.layers
    inputs = keras.Input((1024,), name="wave")
    x = k.MelSpectrogram(fft_length=128, sequence_stride=64, num_mel_bins=16, sampling_rate=8000)(inputs)
    x = k.GlobalAveragePooling1D()(k.Conv1D(8, 3, activation="relu")(k.Permute((2, 1))(x)))
    return keras.Model(inputs, k.Dense(5, activation="softmax")(x))


@TUTORIALS.add()
def speaker_recognition(keras: Any) -> Any:
    """Residual convolutions over the spectrum of a sound."""
    k = keras.layers
    x = inputs = keras.Input((128, 1))
    for width in (4, 8):
        skip = k.Conv1D(width, 1, padding="same")(x)
        x = k.Conv1D(width, 3, padding="same")(k.Activation("relu")(k.Conv1D(width, 3, padding="same")(x)))
        x = k.MaxPooling1D(2, strides=2)(k.Activation("relu")(k.Add()([x, skip])))
    x = k.Flatten()(k.AveragePooling1D(3, strides=3)(x))
    return keras.Model(inputs, k.Dense(5, activation="softmax", name="output")(k.Dense(16, activation="relu")(x)))
