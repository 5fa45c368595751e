"""Pictures of series and their forecasts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ._canvas import COLOURS, INK, Floats, dress, new_chart, save


def forecasts(
    path: Path, title: str, histories: Floats, told: Mapping[str, Floats], origins: Sequence[int], unit: str
) -> None:
    """Draws windows below each other: the steps before the origin, and by name what is told of those after it.

    Args:
        path: the PNG file to write.
        title: above the picture.
        histories: `(n, time)`.
        told: `(n, horizon)` by name; the first, in black, is what came.
        origins: `(n,)`, the first step that is told.
        unit: of the values.
    """
    figure = new_chart(7.2, 1.9 * len(histories))
    rows = figure.subplots(len(histories), 1, squeeze=False)[:, 0]
    colours = (INK, *COLOURS)
    for row, (axis, history, origin) in enumerate(zip(rows, histories, origins, strict=True)):
        dress(axis, "" if row else title, "step" if row == len(rows) - 1 else "", unit)
        axis.plot(np.arange(origin - len(history), origin), history, color=INK, linewidth=1)
        for (name, values), colour in zip(told.items(), colours, strict=False):
            steps = np.arange(origin - 1, origin + values.shape[1])
            axis.plot(steps, [history[-1], *values[row]], label=name, color=colour, linewidth=2)
    rows[0].legend(frameon=False, fontsize=9, labelcolor=INK, loc="upper left")
    save(figure, path)
