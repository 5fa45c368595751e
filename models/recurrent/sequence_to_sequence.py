"""The forecaster with a recurrent encoder and a recurrent decoder."""

import keras
from keras import layers

from ..hyperparameters import Count
from ..registry import register
from ._cells import LAYERS, Cell
from ._forecaster import Season, forecaster, normalized_history


@register
def sequence_to_sequence(
    *, features: Count = 1, horizon: Count = 10, season: Season = 0, units: Count = 32, cell: Cell = "gru"
) -> keras.Model:
    """Forecasts a time series: a recurrent encoder reads the series, a recurrent decoder predicts the next steps.

    This is an encoder–decoder network: it reads the whole series before it predicts. Lecture notes 004 use the name
    "sequence to sequence" also for networks with an output at each step of the input, such as `sequence_tagger`.

    At every step, the input of the decoder is the last state of the encoder. The state of the decoder carries
    information from one predicted step to the next. The number of weights does not depend on the forecast horizon.

    Args:
        features: number of values in a step.
        horizon: H, the forecast horizon: number of predicted steps.
        season: p, the seasonal period in steps, at least `horizon`; 0 for no seasonality. If p is not 0, the network
            predicts the differences from the values p steps earlier, and a history needs more than p steps.
        units: size of the states of the encoder and the decoder.
        cell: recurrent cell of the encoder and the decoder.

    Formula:
        x_t = (z_t − mean z) / std z, z_t = history_t − history_{t−p}, or history_t without a season
        h_t = cell(h_{t−1}, x_t)
        s_k = cell'(s_{k−1}, h_T), s_0 = 0, k = 1 … H
        y_k = W_yᵀ s_k + b
        forecast_k = mean z + std z · y_k + history_{T+k−p}
        minimise L = 1/(N H F) Σ (forecast − series)² / variance of the series, for N windows, H steps and F features

    Source:
        Lecture notes 004, "Types of RNN" (sequence to sequence: forecasts N days from the last N days; vector to
        sequence: the input is the same vector at each step) and "Deep RNN" (trend and seasonality).

    Returns:
        A model from histories `(batch, time, features)` to forecasts `(batch, horizon, features)`, float32, in the
        units of the series. The layer `embedding` returns h_T `(batch, units)`. T is the last step of each history, or
        the last unmasked step if the input has a mask `(batch, time)`.
    """
    # === Functional model ===
    history, x = normalized_history(features, season)
    h = LAYERS[cell](units, name="embedding")(x)  # (batch, units)
    h = layers.RepeatVector(horizon, name="repeated")(h)  # (batch, horizon, units)
    s = LAYERS[cell](units, return_sequences=True, name="writer")(h)
    y = layers.Dense(features, name="output")(s)  # (batch, horizon, features)
    return forecaster(history, y, season, "sequence_to_sequence")
