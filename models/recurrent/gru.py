"""The recurrent network with gated units."""

import keras
from keras import layers

from ..hyperparameters import Count
from ..registry import register
from ._many_to_one import many_to_one


@register
def gru(*, features: Count = 2, units: Count = 32, outputs: Count = 1, reset_after: bool = True) -> keras.Model:
    """Two gates and one state: much of what an LSTM does with three quarters of its weights.

    The update gate does what the LSTM's forget and input gates do, one as much as the other does not; the reset
    gate says how much of the state the new content sees. (The notes call "reset" what is called "update" elsewhere.)

    Args:
        features: values of a step.
        units: of the state.
        outputs: k, how many values are predicted.
        reset_after: whether r is applied after the product with W_hg, which then has a bias b' of its own, as have
            the gates; if not, before, as in the paper.

    Formula:
        x_t = (sequence_t − mean) / std
        z_t = σ(W_xzᵀ x_t + W_hzᵀ h_{t−1} + b_z)                   update gate: what is kept of h
        r_t = σ(W_xrᵀ x_t + W_hrᵀ h_{t−1} + b_r)                   reset gate: what g sees of h
        g_t = tanh(W_xgᵀ x_t + b_g + r_t ⊙ (W_hgᵀ h_{t−1} + b'))    reset after
        g_t = tanh(W_xgᵀ x_t + b_g + W_hgᵀ (r_t ⊙ h_{t−1}))         reset before
        h_t = z_t ⊙ h_{t−1} + (1 − z_t) ⊙ g_t
        ŷ = mean y + std y · (W_yᵀ h_T + b_y)

    Source:
        Notes 004, "GRU"; Cho et al. 2014, "Learning Phrase Representations using RNN Encoder–Decoder for Statistical
        Machine Translation".

    Returns:
        A model `(batch, time, features)` to `(batch, outputs)`, float32, in the targets' units; its layer `embedding`
        gives h_T `(batch, units)`. A mask `(batch, time)` ends each sequence at its own T.
    """
    # === Functional model ===
    return many_to_one(layers.GRU(units, reset_after=reset_after, name="embedding"), features, outputs, "gru")
