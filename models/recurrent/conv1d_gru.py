"""The recurrent network that reads a long sequence after a convolution has shortened it."""

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
    """A strided convolution keeps what matters of neighbouring steps; so the recurrent layer has fewer of them to go.

    Args:
        features: values of a step.
        filters: of the convolution.
        kernel_size: f, steps that a filter sees. A sequence needs at least as many.
        strides: s, steps from one window to the next.
        units: of the GRU's state.
        classes: k, how many there are.
        convolution: whether there is one; if not, the GRU reads every step.

    Formula:
        u_j = max(0, W_cᵀ (x_{sj+1}, …, x_{sj+f}) + b_c), j = 0 … ⌊(T − f) / s⌋
        h_j = GRU(h_{j−1}, u_j)
        ŷ = softmax(Wᵀ h + b), h the last of them
        f = 5, s = 2: 10 steps become 3, of the steps 1–5, 3–7 and 5–9

    Source:
        Notes 004, "1D convolution layers to process sequences".

    Returns:
        A model `(batch, time, features)` to class probabilities `(batch, classes)`, float32; its layer `embedding`
        gives the GRU's last state `(batch, units)`. A mask `(batch, time)`, with padding on the right, ends each
        sequence at its own T.
    """
    # === Functional model ===
    sequence = x = keras.Input((None, features), name="sequence")
    if convolution:
        # (batch, time, features) -> (batch, ⌊(time − kernel_size) / strides⌋ + 1, filters)
        x = MaskedConv1D(filters, kernel_size, strides=strides, activation="relu", name="convolution")(x)
    h = layers.GRU(units, name="embedding")(x)
    y_hat = layers.Dense(classes, activation="softmax", name="probabilities")(h)
    return keras.Model(sequence, y_hat, name="conv1d_gru")
