"""The recurrent network with long short-term memory."""

import keras
from keras import layers

from ..hyperparameters import Count
from ..registry import register
from ._many_to_one import many_to_one


@register
def lstm(*, features: Count = 2, units: Count = 32, outputs: Count = 1) -> keras.Model:
    """A long-term state beside the short-term one, and three gates for what it forgets, stores and shows.

    The long-term state is only ever multiplied by the forget gate and added to: where this gate is open, the gradient
    passes as it is, over any number of steps. It begins open, with a bias of 1.

    Args:
        features: values of a step.
        units: of each state.
        outputs: k, how many values are predicted.

    Formula:
        x_t = (sequence_t − mean) / std
        f_t = σ(W_xfᵀ x_t + W_hfᵀ h_{t−1} + b_f)       forget gate: what is kept of c
        i_t = σ(W_xiᵀ x_t + W_hiᵀ h_{t−1} + b_i)       input gate: what is stored of g
        o_t = σ(W_xoᵀ x_t + W_hoᵀ h_{t−1} + b_o)       output gate: what is shown of c
        g_t = tanh(W_xgᵀ x_t + W_hgᵀ h_{t−1} + b_g)    what there is to store
        c_t = f_t ⊙ c_{t−1} + i_t ⊙ g_t                long-term state
        h_t = o_t ⊙ tanh(c_t)                          short-term state, the output
        ŷ = mean y + std y · (W_yᵀ h_T + b_y)

    Source:
        Notes 004, "LSTM"; Hochreiter and Schmidhuber 1997, "Long Short-Term Memory"; Gers, Schmidhuber and Cummins
        2000, "Learning to Forget".

    Returns:
        A model `(batch, time, features)` to `(batch, outputs)`, float32, in the targets' units; its layer `embedding`
        gives h_T `(batch, units)`. A mask `(batch, time)` ends each sequence at its own T.
    """
    # === Functional model ===
    return many_to_one(layers.LSTM(units, name="embedding"), features, outputs, "lstm")
