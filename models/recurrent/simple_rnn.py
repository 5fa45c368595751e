"""The recurrent network in its simplest form."""

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
    """One state that each step of the sequence updates, with the same weights at every step.

    What the last answer owes to the first step comes through a product of as many factors as there are steps between.
    Under tanh they are mostly smaller than 1 and the gradient vanishes; ReLU has no upper bound, and the gradient may
    explode. ReLU with W_h the identity begins with factors of exactly 1 wherever a unit is on.

    Args:
        features: values of a step.
        units: of the state.
        outputs: k, how many values are predicted.
        activation: g, of the state.
        recurrent_initializer: what W_h begins as.

    Formula:
        x_t = (sequence_t − mean) / std
        h_t = g(W_hᵀ h_{t−1} + W_xᵀ x_t + b), h_0 = 0
        ŷ = mean y + std y · (W_yᵀ h_T + b_y)
        ∂L/∂W_h = Σ_t h_{t−1} (g'(a_t) ⊙ ∂L/∂h_t)ᵀ, a_t what g is applied to
        ∂h_T/∂h_1 = Π_{t=T…2} diag(g'(a_t)) W_hᵀ, g' = 1 − h_t² for tanh

    Source:
        Notes 004, "RNNs", "Back-propagation through time" and "Tanh vs ReLU in RNNs"; Le, Jaitly and Hinton 2015,
        "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units".

    Returns:
        A model `(batch, time, features)` to `(batch, outputs)`, float32, in the targets' units; its layer `embedding`
        gives h_T `(batch, units)`. A mask `(batch, time)` ends each sequence at its own T.
    """
    # === Layers ===
    recurrent = layers.SimpleRNN(
        units, activation=activation, recurrent_initializer=recurrent_initializer, name="embedding"
    )

    # === Functional model ===
    return many_to_one(recurrent, features, outputs, "simple_rnn")
