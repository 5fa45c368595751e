"""The recurrent network with a convolution that shortens long sequences."""

import keras
from keras import layers

from ..hyperparameters import Count
from ..layers.masked_conv1d import MaskedConv1D
from ..registry import register


@register
def conv1d_gru(
    *,
    features: Count = 1,
    filters: Count = 32,
    kernel_size: Count = 5,
    strides: Count = 2,
    units: Count = 32,
    classes: Count = 10,
    convolution: bool = True,
) -> keras.Model:
    """Classifies long sequences: a strided convolution shortens the sequence before a GRU reads it.

    Args:
        features: number of values in a step.
        filters: number of filters of the convolution.
        kernel_size: f, the number of steps in a window of the convolution. A sequence must have at least f steps.
        strides: s, the number of steps from one window to the next.
        units: size of the GRU's state.
        classes: k, the number of classes.
        convolution: whether to use the convolution. Without the convolution, the GRU reads every step.

    Formula:
        u_j = max(0, W_cᵀ (x_{sj+1}, …, x_{sj+f}) + b_c), j = 0 … ⌊(T − f) / s⌋
        h_j = GRU(h_{j−1}, u_j)
        ŷ = softmax(Wᵀ h + b), where h is the last h_j
        minimise L = −log ŷ_ℓ, where ℓ is the true class
        for f = 5, s = 2 and T = 10: u has 3 steps, computed from the input steps 1–5, 3–7 and 5–9

    Source:
        Lecture notes 004, "1D convolution layers to process sequences".

    Returns:
        A model from sequences `(batch, time, features)` to class probabilities `(batch, classes)`, float32. The layer
        `embedding` returns the GRU's last state `(batch, units)`. In the formula, T is the number of steps of the
        sequence. If the input has a mask `(batch, time)`, T is the number of unmasked steps, and padding must be on
        the right.
    """
    # === Functional model ===
    sequence = x = keras.Input((None, features), name="sequence")
    if convolution:
        # (batch, time, features) -> (batch, ⌊(time − kernel_size) / strides⌋ + 1, filters)
        x = MaskedConv1D(filters, kernel_size, strides=strides, activation="relu", name="convolution")(x)
    h = layers.GRU(units, name="embedding")(x)
    y_hat = layers.Dense(classes, activation="softmax", name="probabilities")(h)
    return keras.Model(sequence, y_hat, name="conv1d_gru")
