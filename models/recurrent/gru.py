"""The recurrent network with gated units."""

import keras
from keras import layers

from ..hyperparameters import Count
from ..registry import register
from ._many_to_one import many_to_one


@register
def gru(*, features: Count = 2, units: Count = 32, outputs: Count = 1, reset_after: bool = True) -> keras.Model:
    """Predicts numbers from a sequence with a GRU: two gates, and three quarters of an LSTM's weights.

    The update gate replaces the LSTM's forget and input gates: the larger the fraction of the old state that the gate
    keeps, the smaller the fraction of new content that the gate adds. The reset gate controls how much of the old state
    enters the new content. (The lecture notes call the update gate "reset".)

    Args:
        features: number of values in a step.
        units: size of the state.
        outputs: k, the number of predicted values.
        reset_after: whether the reset gate is applied after the product with W_hg. If false, the reset gate is applied
            before the product, as in the paper. If true, each of the three products with h_{t−1} has its own
            bias: b' in g_t. In the formula, b_z and b_r include those of z_t and r_t.

    Formula:
        x_t = (sequence_t − mean) / std
        z_t = σ(W_xzᵀ x_t + W_hzᵀ h_{t−1} + b_z)                   update gate: how much of h is kept
        r_t = σ(W_xrᵀ x_t + W_hrᵀ h_{t−1} + b_r)                   reset gate: how much of h enters g
        g_t = tanh(W_xgᵀ x_t + b_g + r_t ⊙ (W_hgᵀ h_{t−1} + b'))    reset after
        g_t = tanh(W_xgᵀ x_t + b_g + W_hgᵀ (r_t ⊙ h_{t−1}))         reset before
        h_t = z_t ⊙ h_{t−1} + (1 − z_t) ⊙ g_t
        ŷ = mean y + std y · (W_yᵀ h_T + b_y)
        minimise L = Σ_j (ŷ_j − y_j)²

    Source:
        Lecture notes 004, "GRU"; Cho et al. 2014, "Learning Phrase Representations using RNN Encoder–Decoder for
        Statistical Machine Translation".

    Returns:
        A model from sequences `(batch, time, features)` to `(batch, outputs)`, float32, in the units of the targets.
        The layer `embedding` returns h_T `(batch, units)`. T is the last step of each sequence, or the last unmasked
        step if the input has a mask `(batch, time)`.
    """
    # === Functional model ===
    return many_to_one(layers.GRU(units, reset_after=reset_after, name="embedding"), features, outputs, "gru")
