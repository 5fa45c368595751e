"""The forecaster that reads one sequence and writes another."""

import keras
from keras import layers

from ..hyperparameters import Count
from ..registry import register
from ._cells import LAYERS, Cell
from ._forecaster import Season, forecaster, standard_history


@register
def sequence_to_sequence(
    *, features: Count = 1, horizon: Count = 10, season: Season = 0, units: Count = 32, cell: Cell = "gru"
) -> keras.Model:
    """The last steps of a series for its next ones: a layer reads, a second one writes from what the first has kept.

    The writer is given the same vector at every step, and goes on from its own state. So a step that is told knows of
    those before it, and weights do not grow with the horizon.

    Args:
        features: values of a step.
        horizon: H, how many steps are told.
        season: p, steps of a season; the network then sees changes since the last season, and they are added to it
            again; 0 for none. At least `horizon`; a history needs more steps than p.
        units: of both layers' states.
        cell: of both layers.

    Formula:
        x_t = (z_t − mean z) / std z, z_t = history_t − history_{t−p}, or history_t without a season
        h_t = cell(h_{t−1}, x_t)
        s_k = cell'(s_{k−1}, h_T), s_0 = 0, k = 1 … H
        y_k = W_yᵀ s_k + b
        forecast_k = mean z + std z · y_k + history_{T+k−p}

    Source:
        Notes 004, "Types of RNN", sequence to sequence (the last N days for the next N) and vector to sequence (the
        same vector at each step); "Deep RNN" for trend and season.

    Returns:
        A model `(batch, time, features)` to `(batch, horizon, features)`, float32, in the series' own units; its layer
        `embedding` gives h_T `(batch, units)`. A mask `(batch, time)` ends each history at its own T.
    """
    # === Functional model ===
    history, x = standard_history(features, season)
    h = LAYERS[cell](units, name="embedding")(x)  # (batch, units)
    h = layers.RepeatVector(horizon, name="repeated")(h)  # (batch, horizon, units)
    s = LAYERS[cell](units, return_sequences=True, name="writer")(h)
    y = layers.Dense(features, name="output")(s)  # (batch, horizon, features)
    return forecaster(history, y, season, "sequence_to_sequence")
