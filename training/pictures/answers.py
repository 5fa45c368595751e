"""Draws a model's predictions. Each function draws NumPy arrays to a PNG file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ._canvas import COLOURS, INK, Floats, as_colours, as_square, draw_grid, dress, new_canvas, new_chart, save, short

TILE_INCHES = 2.0
MOST_MAPS = 64
WORDS_WIDTH = 84  # width of two words in pixels
EDGE = "#ffa90e"
WRONG = COLOURS[2]
TAG_WIDTH, TAG_HEIGHT = 56, 54  # in pixels, of a token and its tags
MOST_TAGS = 16  # tokens of a text


def confusion_matrix(path: Path, title: str, counts: NDArray[np.int64], labels: Sequence[str]) -> None:
    """Draws a confusion matrix. Rows are true classes, and columns are predicted classes.

    The colour of a cell shows the cell's share of its row: a larger share is darker.
    """
    side = 2.0 + 0.5 * len(labels)
    figure = new_chart(side + 1, side)
    axis = figure.subplots()
    dress(axis, title, "predicted", "true")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axis.grid(visible=False)
    names = [short(label) for label in labels]
    axis.set_xticks(range(len(labels)), names, rotation=45, ha="right", fontsize=8, parse_math=False)
    axis.set_yticks(range(len(labels)), names, fontsize=8, parse_math=False)
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.5 else INK
        axis.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=7, color=colour)
    save(figure, path)


def labelled_images(path: Path, title: str, images: Floats, words: Sequence[str]) -> None:
    """Draws images `(n, height, width, 1 or 3)` in a row, with a label below each image."""
    factor = max(1, round(WORDS_WIDTH / images.shape[2]))
    tiles = as_colours(images).repeat(factor, axis=1).repeat(factor, axis=2)
    draw_grid(path, title, tiles[None], values=words)


def scatter(path: Path, title: str, true: Floats, predicted: Floats, name: str) -> None:
    """Draws true and predicted values, both `(n,)`, as points, and the line of equal values."""
    name = short(name)
    figure = new_chart(4.6, 4.4)
    axis = figure.subplots()
    dress(axis, title, f"true {name}", f"predicted {name}")
    ends = min(true.min(), predicted.min()), max(true.max(), predicted.max())
    axis.plot(ends, ends, color=INK, linestyle="--", linewidth=1)
    axis.scatter(true, predicted, s=14, color=COLOURS[0], linewidths=0)
    save(figure, path)


def feature_maps(path: Path, title: str, image: Floats, maps: Sequence[tuple[str, Floats]]) -> None:
    """Draws an image `(height, width, 1 or 3)`, and next to it the feature maps `(height, width, channels)` of layers.

    The first 64 maps of each layer are drawn in a grid. Each layer has its own scale from white to blue.
    """
    figure = new_chart(2.6 * (len(maps) + 1), 2.9)
    figure.suptitle(title, fontsize=10, color=INK, parse_math=False)
    first, *others = figure.subplots(1, len(maps) + 1)
    first.imshow(as_colours(image))
    first.set_title("image", fontsize=9, color=INK)
    for axis, (name, values) in zip(others, maps, strict=True):
        channels = values.transpose(2, 0, 1)[:MOST_MAPS]
        tiles = as_square(channels[..., None])[..., 0]  # (rows, columns, height, width)
        tiles.reshape(-1, *channels.shape[1:])[len(channels) :] = np.nan  # blank tiles fill the last row
        gap = max(1, tiles.shape[2] // 10)
        tiles = np.pad(tiles, ((0, 0), (0, 0), (0, gap), (0, gap)), constant_values=np.nan)
        rows, columns, height, width = tiles.shape
        axis.imshow(tiles.swapaxes(1, 2).reshape(rows * height, columns * width), cmap="Blues", vmin=0)
        axis.set_title(f"{name}: {values.shape[0]} × {values.shape[1]} × {values.shape[2]}", fontsize=9, color=INK)
    for axis in (first, *others):
        axis.set_axis_off()
    save(figure, path)


def mask_rows(
    path: Path, title: str, images: Floats, masks: Mapping[str, NDArray[np.int64]], labels: Sequence[str]
) -> None:
    """Draws images, and below each image the classes of its pixels as colours. The last class is white.

    Args:
        path: PNG file to write.
        title: title of the picture.
        images: `(n, height, width, 1 or 3)`.
        masks: classes `(n, height, width)` by the label of the row.
        labels: names of the classes.
    """
    from matplotlib.colors import to_rgb

    colours = np.array([to_rgb(COLOURS[i % len(COLOURS)]) for i in range(len(labels) - 1)] + [(1, 1, 1)], np.float32)
    rows = np.stack([as_colours(images), *(colours[mask] for mask in masks.values())])
    draw_grid(path, title, rows, names=["image", *masks])


def boxes(path: Path, title: str, images: Floats, objects: Sequence[Sequence[tuple[str, NDArray[np.float32]]]]) -> None:
    """Draws images with labelled boxes.

    Args:
        path: PNG file to write.
        title: title of the picture.
        images: `(n, height, width, 1 or 3)`, up to ten.
        objects: label and box of each object of each image. A box is (top, left, bottom, right), as fractions of the
            height and width.
    """
    count, height, width = images.shape[:3]
    columns = min(count, 5)
    rows = -(-count // columns)
    size = TILE_INCHES
    figure = new_chart(size * columns, size * rows + 0.3)
    figure.suptitle(title, fontsize=10, color=INK, parse_math=False)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, image, in_image in zip(axes, images, objects, strict=False):
        axis.imshow(as_colours(image), extent=(0, width, height, 0), interpolation="nearest")
        for words, (top, left, bottom, right) in in_image:
            x, y = [left, right, right, left, left], [top, top, bottom, bottom, top]
            axis.plot(np.array(x) * width, np.array(y) * height, color=EDGE, linewidth=1.2)
            axis.text(left * width, top * height - 1, words, color=EDGE, fontsize=7, va="bottom", parse_math=False)
    for axis in figure.axes:
        axis.set_axis_off()
    save(figure, path)


def tagged_texts(path: Path, title: str, texts: Sequence[Sequence[tuple[str, str, str]]]) -> None:
    """Draws texts, a text in each row. Below each token is its predicted tag. Below a wrong tag is the true tag.

    Args:
        path: PNG file to write.
        title: title of the picture.
        texts: token, true tag and predicted tag of each token of each text. The first 16 tokens are drawn.
    """
    width = min(MOST_TAGS, max(map(len, texts), default=1))
    figure, axis = new_canvas(title, TAG_WIDTH * width, TAG_HEIGHT * len(texts))
    for row, text in enumerate(texts):
        for column, (token, tag, guess) in enumerate(text[:MOST_TAGS]):
            x, y = (column + 0.5) * TAG_WIDTH, row * TAG_HEIGHT
            lines = [(14, 10, INK, token), (30, 8, INK if tag == guess else WRONG, guess)]
            lines += [(44, 8, INK, f"({short(tag, 8)})")] if tag != guess else []
            for below, size, colour, words in lines:
                axis.text(
                    *(x, y + below, short(words, 8)),
                    fontsize=size,
                    color=colour,
                    ha="center",
                    va="center",
                    parse_math=False,
                )
    save(figure, path)
