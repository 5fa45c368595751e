"""The recurrent network with long short-term memory (LSTM)."""

import keras
from keras import layers

from ..hyperparameters import Count
from ..registry import register
from ._many_to_one import many_to_one


@register
def lstm(*, features: Count = 2, units: Count = 32, outputs: Count = 1) -> keras.Model:
    """Predicts numbers from a sequence with an LSTM: a long-term state, and gates that control it.

    At each step, the network multiplies the long-term state by the forget gate and adds new content. While the forget
    gate is open (1), the gradient passes unchanged through any number of steps. The initial bias of the forget gate is
    1, so the gate starts mostly open.

    Args:
        features: number of values in a step.
        units: size of each of the two states.
        outputs: k, the number of predicted values.

    Formula:
        x_t = (sequence_t − mean) / std
        f_t = σ(W_xfᵀ x_t + W_hfᵀ h_{t−1} + b_f)       forget gate: how much of c is kept
        i_t = σ(W_xiᵀ x_t + W_hiᵀ h_{t−1} + b_i)       input gate: how much of g is stored
        o_t = σ(W_xoᵀ x_t + W_hoᵀ h_{t−1} + b_o)       output gate: how much of c is output
        g_t = tanh(W_xgᵀ x_t + W_hgᵀ h_{t−1} + b_g)    new content
        c_t = f_t ⊙ c_{t−1} + i_t ⊙ g_t                long-term state
        h_t = o_t ⊙ tanh(c_t)                          short-term state, the output
        ŷ = mean y + std y · (W_yᵀ h_T + b_y)
        minimise L = Σ_j (ŷ_j − y_j)²

    Source:
        Lecture notes 004, "LSTM"; Hochreiter and Schmidhuber 1997, "Long Short-Term Memory"; Gers, Schmidhuber and
        Cummins 2000, "Learning to Forget".

    Returns:
        A model from sequences `(batch, time, features)` to `(batch, outputs)`, float32, in the units of the targets.
        The layer `embedding` returns h_T `(batch, units)`. T is the last step of each sequence, or the last unmasked
        step if the input has a mask `(batch, time)`.
    """
    # === Functional model ===
    return many_to_one(layers.LSTM(units, name="embedding"), features, outputs, "lstm")
