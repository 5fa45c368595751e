"""Draws time series and forecasts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._canvas import COLOURS, INK, Floats, dress, new_chart, save, short


def forecasts(
    path: Path,
    title: str,
    histories: Floats,
    curves: Mapping[str, Floats],
    origins: Sequence[int],
    unit: str,
    times: NDArray[Any] | None = None,
    time: str = "step",
) -> None:
    """Draws windows of a series below each other. A window shows the history, the actual next values and the forecasts.

    Args:
        path: PNG file to write.
        title: title of the picture.
        histories: `(n, time)`.
        curves: actual values and forecasts `(n, horizon)` by name. The actual values are the first item and are drawn
            in black.
        origins: first predicted step of each window, `(n,)`.
        unit: unit of the values.
        times: the times of all steps, datetime64 or float64 `(steps,)`. None to show the numbers of the steps.
        time: label of the axis of time.
    """
    figure = new_chart(7.2, 1.9 * len(histories))
    rows = figure.subplots(len(histories), 1, squeeze=False)[:, 0]
    colours, unit = (INK, *COLOURS), short(unit)
    horizon = next(iter(curves.values())).shape[1]
    places = np.arange(max(origins) + horizon) if times is None else times
    for row, (axis, history, origin) in enumerate(zip(rows, histories, origins, strict=True)):
        dress(axis, "" if row else title, short(time) if row == len(rows) - 1 else "", unit)
        axis.plot(places[origin - len(history) : origin], history, color=INK, linewidth=1)
        for (name, values), colour in zip(curves.items(), colours, strict=False):
            shown = places[origin - 1 : origin + values.shape[1]]
            axis.plot(shown, [history[-1], *values[row]], label=name, color=colour, linewidth=2)
    rows[0].legend(frameon=False, fontsize=9, labelcolor=INK, loc="upper left")
    save(figure, path)
