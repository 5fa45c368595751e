"""The functions that all pictures share: style, charts, grids of images, and saving."""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # matplotlib takes a while to import, and not every command draws
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float32]

DPI = 100
INK = "#333333"
# Ten colours that colour-blind readers can distinguish (Petroff 2021, arXiv:2107.02270). The greys are last.
COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#a96b59"),
    *("#e76300", "#b9ac70", "#92dadd", "#94a4a2", "#717581"),
)
TILE = 60  # approximate length of the longer side of an image in a grid, in pixels
GAP = 4


def new_chart(width: float, height: float) -> "Figure":
    """Returns a new figure for charts. The size is in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: "Figure", path: Path) -> None:
    """Writes the figure as a PNG file. The picture is large enough for all texts of the figure."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # of a script that the font does not have
        figure.savefig(path, dpi=DPI, bbox_inches="tight", pad_inches=0.1, pil_kwargs={"optimize": True})


def dress(axis: "Axes", title: str, xlabel: str, ylabel: str, *, formulas: bool = False) -> None:
    """Sets the texts and the style of a chart. The $ in a label begins a formula only with `formulas`."""
    axis.set_title(short(title, 70), fontsize=10, color=INK, parse_math=False)
    axis.set_xlabel(xlabel, fontsize=9, color=INK, parse_math=formulas)
    axis.set_ylabel(ylabel, fontsize=9, color=INK, parse_math=formulas)
    axis.tick_params(labelsize=8, colors=INK)
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_color(INK)
    axis.grid(axis="y", alpha=0.3)
    axis.set_axisbelow(True)


def short(text: str, most: int = 30) -> str:
    """Returns a text of the user's own as a label in one line: at most `most` characters."""
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def as_colours(images: Floats) -> Floats:
    """Converts grey or colour images `(…, 1 or 3)` to colour images `(…, 3)`, clipped to [0, 1]."""
    return np.broadcast_to(images.clip(0, 1), (*images.shape[:-1], 3))


def as_square(images: Floats) -> Floats:
    """Arranges images `(n, …)` in a nearly square grid `(rows, columns, …)`. White images fill the last row."""
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    white = np.ones((rows * columns - len(images), *images.shape[1:]), np.float32)
    return np.concatenate((images, white)).reshape(rows, columns, *images.shape[1:])


def enlargement(image: Floats) -> int:
    """Returns the integer factor that enlarges an image `(height, width, channels)` to about `TILE` pixels."""
    longer: int = max(image.shape[:2])
    return max(1, round(TILE / longer))


def new_canvas(title: str, width: int, height: int) -> "tuple[Figure, Axes]":
    """Returns a new figure for images, and its axes. Coordinates are in pixels, from the top left."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / DPI, height / DPI))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    axis.set_title(title, fontsize=10, color=INK, parse_math=False)
    axis.tick_params(length=0, labelsize=9, colors=INK)
    axis.spines[:].set_visible(False)
    return figure, axis


def draw_grid(
    path: Path, title: str, tiles: Floats, below: str = "", values: Sequence[str] = (), names: Sequence[str] = ()
) -> None:
    """Draws a grid of images `(rows, columns, height, width, 3)`.

    Args:
        path: PNG file to write.
        title: title of the picture.
        tiles: the images.
        below: text below the grid.
        values: labels of the columns.
        names: labels of the rows.
    """
    factor = enlargement(tiles[0, 0])
    tiles = tiles.repeat(factor, axis=2).repeat(factor, axis=3)
    tiles = np.pad(tiles, ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=1)
    rows, columns, height, width, _ = tiles.shape
    image = tiles.swapaxes(1, 2).reshape(rows * height, columns * width, 3)[:-GAP, :-GAP]
    figure, axis = new_canvas(title, image.shape[1], image.shape[0])
    axis.imshow(image, extent=(0, image.shape[1], image.shape[0], 0), aspect="auto", interpolation="nearest")
    axis.set_xlabel(below, fontsize=9, color=INK)
    axis.set_xticks(np.arange(len(values)) * width + (width - GAP) / 2, values, parse_math=False)
    axis.set_yticks(np.arange(len(names)) * height + (height - GAP) / 2, names, parse_math=False)
    save(figure, path)
