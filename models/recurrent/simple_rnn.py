"""The simplest recurrent network, with a single state."""

from typing import Literal

import keras
from keras import layers

from ..hyperparameters import Count
from ..registry import register
from ._many_to_one import many_to_one


@register
def simple_rnn(
    *,
    features: Count = 2,
    units: Count = 32,
    outputs: Count = 1,
    activation: Literal["tanh", "relu"] = "tanh",
    recurrent_initializer: Literal["orthogonal", "identity"] = "orthogonal",
) -> keras.Model:
    """Predicts numbers from a sequence with the simplest recurrent network: a single state.

    The weights are the same at every step. The derivative of the last state with respect to the first state is a
    product with one factor for each step between the two states. With tanh, most factors are smaller than 1, so the
    gradient vanishes. ReLU has no upper bound, so the gradient may explode. With ReLU and an identity matrix as the
    initial W_h, each factor is exactly 1 for an active unit at the start of training.

    Args:
        features: number of values in a step.
        units: size of the state.
        outputs: k, the number of predicted values.
        activation: g, the activation of the state.
        recurrent_initializer: initial value of W_h, `orthogonal` for a random orthogonal matrix or `identity`.

    Formula:
        x_t = (sequence_t − mean) / std
        h_t = g(W_hᵀ h_{t−1} + W_xᵀ x_t + b), h_0 = 0
        ŷ = mean y + std y · (W_yᵀ h_T + b_y)
        minimise L = Σ_j (ŷ_j − y_j)²
        ∂L/∂W_h = Σ_t h_{t−1} (g'(a_t) ⊙ ∂L/∂h_t)ᵀ, with h_t = g(a_t)
        ∂h_T/∂h_1 = Π_{t=T…2} diag(g'(a_t)) W_hᵀ, where g'(a_t) = 1 − h_t² for tanh

    Source:
        Lecture notes 004, "RNNs", "Back-propagation through time" and "Tanh vs ReLU in RNNs"; Le, Jaitly and Hinton
        2015, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units".

    Returns:
        A model from sequences `(batch, time, features)` to `(batch, outputs)`, float32, in the units of the targets.
        The layer `embedding` returns h_T `(batch, units)`. T is the last step of each sequence, or the last unmasked
        step if the input has a mask `(batch, time)`.
    """
    # === Layers ===
    recurrent = layers.SimpleRNN(
        units, activation=activation, recurrent_initializer=recurrent_initializer, name="embedding"
    )

    # === Functional model ===
    return many_to_one(recurrent, features, outputs, "simple_rnn")
