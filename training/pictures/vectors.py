"""Draws the vectors of words and categories. Each function writes a PNG file."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.transforms import Bbox

from ._canvas import COLOURS, INK, Floats, dress, new_chart, save, short

ROW = 0.3  # height of a row in inches


def named_points(path: Path, title: str, points: Floats, names: Sequence[str], method: str, side: float = 7.0) -> None:
    """Draws points with their names.

    Args:
        path: PNG file to write.
        title: title of the picture.
        points: `(n, 2)`.
        names: names of the points.
        method: the method that reduced the vectors to two dimensions, for the labels of the axes.
        side: width of the picture in inches.
    """
    figure = new_chart(side, side * 0.85)
    axis = figure.subplots()
    dress(axis, title, f"{method}, dimension 1", f"{method}, dimension 2")
    axis.scatter(points[:, 0], points[:, 1], s=6, color=COLOURS[0], linewidths=0)
    for (x, y), name in zip(points, names, strict=True):
        axis.annotate(
            short(name), (x, y), xytext=(2, 2), textcoords="offset points", fontsize=7, color=INK, parse_math=False
        )
    save(figure, path)


def neighbour_table(path: Path, title: str, names: Sequence[str], rows: Sequence[Sequence[tuple[str, float]]]) -> None:
    """Draws a table with names, their nearest neighbours and the cosine similarities.

    Args:
        path: PNG file to write.
        title: title of the table.
        names: the name at the start of each row.
        rows: neighbours and cosine similarities of each name. Each row has the same number of neighbours.
    """
    words = [
        [short(name), *(f"{short(word)}  {cosine:.2f}" for word, cosine in row)]
        for name, row in zip(names, rows, strict=True)
    ]
    figure = new_chart(1.5 * len(words[0]), ROW * (len(words) + 1) + 0.4)
    axis = figure.subplots()
    axis.set_title(title, fontsize=10, color=INK, parse_math=False)
    axis.set_axis_off()
    headings = ["", *(f"{place}." for place in range(1, len(words[0])))]
    table = axis.table(words, colLabels=headings, cellLoc="left", colLoc="left", edges="horizontal", bbox=Bbox.unit())
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor("#dddddd")
        cell.get_text().set(parse_math=False, color=INK, fontweight="bold" if column == 0 or row == 0 else "normal")
    save(figure, path)
