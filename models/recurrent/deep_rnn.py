"""The forecaster of several recurrent layers, one on the other."""

import keras
from keras import layers

from ..hyperparameters import Count, Counts
from ..registry import register
from ._cells import LAYERS, AnyCell
from ._forecaster import Season, forecaster, standard_history


@register
def deep_rnn(
    *,
    features: Count = 1,
    horizon: Count = 10,
    season: Season = 0,
    units: Counts = (32, 32),
    cell: AnyCell = "gru",
) -> keras.Model:
    """Recurrent layers, each of which reads the states of the one below; the last state tells all next steps at once.

    Args:
        features: values of a step.
        horizon: H, how many steps are told.
        season: p, steps of a season; the network then sees changes since the last season, and they are added to it
            again; 0 for none. At least `horizon`; a history needs more steps than p.
        units: of each layer's state; as many layers as numbers.
        cell: of every layer.

    Formula:
        x_t = (z_t − mean z) / std z, z_t = history_t − history_{t−p}, or history_t without a season
        h⁰_t = x_t
        hˡ_t = cell_l(hˡ_{t−1}, hˡ⁻¹_t)
        (y_1, …, y_H) = W_yᵀ h^L_T + b
        forecast_k = mean z + std z · y_k + history_{T+k−p}, k = 1 … H

    Source:
        Notes 004, "Deep RNN unrolled through time" (stacked layers; trend and season removed, and added again).

    Returns:
        A model `(batch, time, features)` to `(batch, horizon, features)`, float32, in the series' own units; its layer
        `embedding` gives h^L_T `(batch, units[-1])`. A mask `(batch, time)` ends each history at its own T.
    """
    # === Functional model ===
    history, x = standard_history(features, season)
    for depth, count in enumerate(units, 1):
        is_last = depth == len(units)
        name = "embedding" if is_last else f"recurrent_{depth}"
        x = LAYERS[cell](count, return_sequences=not is_last, name=name)(x)  # (batch, time, count), last (batch, count)
    y = layers.Dense(horizon * features, name="output")(x)
    y = layers.Reshape((horizon, features), name="steps")(y)
    return forecaster(history, y, season, "deep_rnn")
