"""The forecaster with several stacked recurrent layers."""

import keras
from keras import layers

from ..hyperparameters import Count, Counts
from ..registry import register
from ._cells import LAYERS, AnyCell
from ._forecaster import Season, forecaster, normalized_history


@register
def deep_rnn(
    *,
    features: Count = 1,
    horizon: Count = 10,
    season: Season = 0,
    units: Counts = (32, 32),
    cell: AnyCell = "gru",
) -> keras.Model:
    """Forecasts a time series with several stacked recurrent layers.

    The states of each recurrent layer are the inputs of the next layer. A dense layer computes all steps of the
    forecast at once from the last state of the last recurrent layer.

    Args:
        features: number of values in a step.
        horizon: H, the forecast horizon: number of predicted steps.
        season: p, the seasonal period in steps, at least `horizon`; 0 for no seasonality. If p is not 0, the network
            predicts the differences from the values p steps earlier, and a history needs more than p steps.
        units: size of the state of each recurrent layer: one integer per layer.
        cell: recurrent cell of all layers.

    Formula:
        x_t = (z_t − mean z) / std z, z_t = history_t − history_{t−p}, or history_t without a season
        h⁰_t = x_t
        hˡ_t = cell_l(hˡ_{t−1}, hˡ⁻¹_t)
        (y_1, …, y_H) = W_yᵀ h^L_T + b
        forecast_k = mean z + std z · y_k + history_{T+k−p}, k = 1 … H
        minimise L = 1/(N H F) Σ (forecast − series)² / variance of the series, for N windows, H steps and F features

    Source:
        Lecture notes 004, "Deep RNN unrolled through time" (stacked layers; removal of trend and seasonality before the
        network, and addition of both after the network).

    Returns:
        A model from histories `(batch, time, features)` to forecasts `(batch, horizon, features)`, float32, in the
        units of the series. The layer `embedding` returns h^L_T `(batch, units[-1])`. T is the last step of each
        history, or the last unmasked step if the input has a mask `(batch, time)`.
    """
    # === Functional model ===
    history, x = normalized_history(features, season)
    for depth, count in enumerate(units, 1):
        is_last = depth == len(units)
        name = "embedding" if is_last else f"recurrent_{depth}"
        x = LAYERS[cell](count, return_sequences=not is_last, name=name)(x)  # (batch, time, count), last (batch, count)
    y = layers.Dense(horizon * features, name="output")(x)
    y = layers.Reshape((horizon, features), name="steps")(y)
    return forecaster(history, y, season, "deep_rnn")
