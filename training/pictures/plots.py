"""Draws trained models: images, codes, kernels and curves. Each function draws NumPy arrays to a PNG file."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ._canvas import (
    COLOURS,
    GAP,
    INK,
    Floats,
    as_colours,
    as_square,
    draw_grid,
    dress,
    enlargement,
    new_canvas,
    new_chart,
    save,
    short,
)

MARKERS = "osD^vP"
MOST_UNITS = 100
MOST_NAMES = 20  # in a legend
LEAST_POINTS = 4  # for t-SNE


def image_strip(
    path: Path, title: str, before: Mapping[str, Floats], codes: Floats | None, after: Mapping[str, Floats]
) -> None:
    """Draws an example in each column: its input images, its code as a strip of colours, and its output images.

    Args:
        path: PNG file to write.
        title: title of the picture.
        before: rows of input images `(n, height, width, 1 or 3)` in [0, 1], by label.
        codes: `(n, code_dim)`, or None to leave out the row of codes.
        after: rows of output images, by label.
    """
    rows = {**before, **({} if codes is None else {"code": codes}), **after}
    images = next(row for row in rows.values() if row is not codes)
    height, width = (enlargement(images[0]) * side for side in images.shape[1:3])
    heights = [height // 3 if row is codes else height for row in rows.values()]
    tops = np.cumsum([0, *heights[:-1]]) + GAP * np.arange(len(rows))
    figure, axis = new_canvas(title, (width + GAP) * len(images) - GAP, int(tops[-1]) + heights[-1])
    for row, top, tall in zip(rows.values(), tops, heights, strict=True):
        largest = float(np.abs(row).max()) or 1.0
        for column, item in enumerate(row):
            left = column * (width + GAP)
            axis.imshow(
                item[None] if row is codes else as_colours(item),
                extent=(left, left + width, top + tall, top),
                cmap="RdBu_r",
                vmin=-largest,
                vmax=largest,
                aspect="auto",
                interpolation=None if row is codes else "nearest",
            )
    axis.set_yticks(tops + np.array(heights) / 2, rows)
    save(figure, path)


def sample_grid(path: Path, title: str, images: Floats) -> None:
    """Draws images `(n, height, width, 1 or 3)` in [0, 1] in a nearly square grid, row by row."""
    draw_grid(path, title, as_square(as_colours(images)))


def traversal(path: Path, title: str, images: Floats, values: Sequence[float], names: Sequence[str]) -> None:
    """Draws images decoded from codes in which one dimension varies. Each row varies a different dimension.

    Args:
        path: PNG file to write.
        title: title of the picture.
        images: `(rows, steps, height, width, 1 or 3)` in [0, 1].
        values: `(steps,)`, the value in each column.
        names: `(rows,)`, the name of the dimension in each row.
    """
    draw_grid(path, title, as_colours(images), "value of the dimension", [f"{value:.3g}" for value in values], names)


def best_inputs(kernels: Floats) -> Floats:
    """Returns the input of norm 1 that activates each unit most: x_j = W_ij / √(Σ_j W_ij²).

    Source: lecture notes 003, visualization.

    Args:
        kernels: weights of each unit, `(units, height, width, channels)`.

    Returns:
        The inputs, float32, in the shape of `kernels`. They are zeros for a unit whose weights are all zero.
    """
    norms = np.sqrt(np.sum(np.square(kernels, dtype=np.float64), axis=(1, 2, 3), keepdims=True))
    return np.asarray(kernels / np.where(norms == 0, 1, norms), np.float32)


def hidden_units(path: Path, title: str, kernels: Floats) -> None:
    """Draws the `best_inputs` of the first 100 units, each on its own scale.

    Kernels with three channels are drawn as colours around grey. For other kernels, the mean over the channels is drawn
    on a scale from blue to red.
    """
    from matplotlib import colormaps

    tiles = best_inputs(kernels[:MOST_UNITS])
    if tiles.shape[-1] != 3:
        tiles = tiles.mean(axis=-1, keepdims=True)
    largest = np.abs(tiles).max(axis=(1, 2, 3), keepdims=True)
    tiles = np.asarray(0.5 + tiles / np.where(largest == 0, 1, 2 * largest), np.float32)
    if tiles.shape[-1] == 3:
        draw_grid(path, title, as_square(tiles), "grey: without effect")
    else:
        colours = np.asarray(
            colormaps["RdBu_r"].resampled(17)(tiles[..., 0])[..., :3], np.float32
        )  # few colours make a small file
        draw_grid(path, title, as_square(colours), "red: activates the unit, blue: inhibits it")


def two_dimensions(codes: Floats) -> Floats:
    """Reduces codes to two dimensions with t-SNE.

    Codes of two values are not changed. Codes of one value get a second value of 0.

    Args:
        codes: `(n, …)`. 1,000 codes take about a second.

    Returns:
        The codes in two dimensions, `(n, 2)`. They are the same at each call.
    """
    flat = codes.reshape(len(codes), -1)
    if flat.shape[1] <= 2:
        return np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))
    if len(flat) < LEAST_POINTS or np.ptp(flat, axis=0).max() == 0:  # if all codes are equal, t-SNE divides by zero
        return np.asarray(flat[:, :2] - flat[:, :2].mean(axis=0), np.float32)
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # The defaults (1,000 steps, angle 0.5) take almost three times as long. On 1,000 digits, they do not separate the
    # classes better: a classifier of the 5 nearest neighbours in the plane is as accurate.
    tsne = TSNE(perplexity=min(30.0, (len(flat) - 1) / 3), init="pca", max_iter=500, angle=0.7, random_state=0)
    with threadpool_limits(1):  # more threads change the result, and are slow on a busy machine
        return np.asarray(tsne.fit_transform(flat), np.float32)


def codes_2d(
    path: Path, title: str, codes: Floats, labels: NDArray[np.int64], method: str, names: Sequence[str] = ()
) -> None:
    """Draws each code as its label, such as the digit 7, in the colour of the label.

    Args:
        path: PNG file to write.
        title: title of the picture.
        codes: `(n, 2)`.
        labels: label of each code, `(n,)`. With more than ten labels, the colours repeat.
        method: the method that reduced the codes to two dimensions, for the labels of the axes.
        names: names of the labels, for a legend. There is no legend if the names are the labels themselves, or with
            more than `MOST_NAMES` names.
    """
    figure = new_chart(6.4, 5.2)
    axis = figure.subplots()
    dress(axis, title, f"{method}, dimension 1", f"{method}, dimension 2")
    for label, colour in zip(np.unique(labels), cycle(COLOURS), strict=False):
        x, y = codes[labels == label].T
        name = short(names[label], 20).replace("$", r"\$") if label < len(names) else str(label)
        axis.scatter(x, y, s=28, marker=f"${label}$", color=colour, linewidths=0.3, label=name)
    axis.set_aspect("equal", adjustable="datalim")
    if 1 < len(names) <= MOST_NAMES and any(name != str(label) for label, name in enumerate(names)):
        axis.legend(fontsize=8, labelcolor=INK, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, path)


def learning_curve(
    path: Path, title: str, history: Mapping[str, Sequence[float]], best_epoch: int, pca: float | None = None
) -> None:
    """Draws the training and validation loss of each epoch, and marks the best epoch.

    Args:
        path: PNG file to write.
        title: title of the picture.
        history: `loss` and `val_loss` of each epoch.
        best_epoch: the best epoch, from 1.
        pca: loss of PCA with a code of the same size, or None to leave it out.
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_chart(6.4, 3.6)
    axis = figure.subplots()
    dress(axis, title, "epoch", "loss of an example")
    epochs = range(1, len(history["loss"]) + 1)
    for name, label, colour in (("loss", "training", "#4c72b0"), ("val_loss", "validation", "#dd8452")):
        axis.plot(epochs, history[name], label=label, color=colour, marker=".", markersize=4)
    best_loss = history["val_loss"][best_epoch - 1]
    axis.plot(best_epoch, best_loss, "o", mfc="none", color=INK, label=f"best epoch: {best_epoch}")
    if pca is not None:
        axis.axhline(pca, color=INK, linestyle="--", linewidth=1, label="PCA, equal code size")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(frameon=False, fontsize=9, labelcolor=INK)
    save(figure, path)


def lines(
    path: Path,
    title: str,
    levels: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    xlabel: str,
    ylabel: str,
    *,
    log: bool = False,
) -> None:
    """Draws a line for each curve over the `levels`. With `log`, the vertical axis is logarithmic."""
    figure = new_chart(6.4, 3.8)
    axis = figure.subplots()
    dress(axis, title, xlabel, ylabel)
    for (name, values), colour, marker in zip(curves.items(), cycle(COLOURS), cycle(MARKERS), strict=False):
        markevery = max(1, len(levels) // 15)
        axis.plot(levels, values, label=name, color=colour, marker=marker, markersize=5, markevery=markevery)
    if log:
        axis.set_yscale("log")
    axis.legend(frameon=False, fontsize=9, labelcolor=INK)
    save(figure, path)


def kl_curve(path: Path, rho: float, means: Floats, title: str) -> None:
    """Draws the penalty KL(ρ‖ρ̂) over ρ̂, and below it a histogram of the units' mean activations ρ̂.

    The penalty is drawn for ρ = 0.2 and for the model's ρ.

    Args:
        path: PNG file to write.
        rho: target mean activation of the model, in (0, 1).
        means: mean activation of each unit, `(units,)`, in [0, 1].
        title: title of the picture.
    """
    figure = new_chart(6.4, 4.2)
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (3, 1)})
    dress(upper, title, "", "KL(ρ‖$\\hat{ρ}$) in nats", formulas=True)
    dress(lower, "", "$\\hat{ρ}$, the mean activation of a unit (dashed: this model's ρ)", "units", formulas=True)
    rho_hat = np.linspace(0, 1, 1001)[1:-1]
    for target, colour in {0.2: COLOURS[-2], rho: COLOURS[0]}.items():
        upper.plot(
            rho_hat,
            _kl(target, rho_hat),
            color=colour,
            label=f"ρ = {target:g}{', this model' if target == rho else ''}",
        )
    upper.set(xlim=(0, 1), ylim=(0, 2))
    upper.legend(frameon=False, fontsize=9, labelcolor=INK)
    lower.hist(means, bins=100, range=(0, 1), color=COLOURS[0])
    lower.axvline(rho, color=INK, linestyle="--", linewidth=1)
    save(figure, path)


def _kl(rho: float, rho_hat: NDArray[np.float64]) -> NDArray[np.float64]:
    kl: NDArray[np.float64] = rho * np.log(rho / rho_hat) + (1 - rho) * np.log((1 - rho) / (1 - rho_hat))
    return kl
