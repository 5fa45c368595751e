"""Pictures of a trained autoencoder: each function makes one PNG file of NumPy arrays."""

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
)

MARKERS = "osD^vP"
MOST_UNITS = 100


def image_strip(
    path: Path, title: str, before: Mapping[str, Floats], codes: Floats | None, after: Mapping[str, Floats]
) -> None:
    """Draws images in columns and their stages in labelled rows, with the codes as heat strips in between.

    Args:
        path: the PNG file to write.
        title: above the picture.
        before: rows of images `(n, height, width, 1 or 3)` in [0, 1], by label, that lead to the codes.
        codes: `(n, code_dim)`; without them there is no such row.
        after: rows of images that come from the codes.
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
    """Draws images `(n, height, width, 1 or 3)` in [0, 1] in a grid, row by row, as nearly square as can be."""
    draw_grid(path, title, as_square(as_colours(images)))


def traversal(path: Path, title: str, images: Floats, values: Sequence[float], names: Sequence[str]) -> None:
    """Draws what becomes of an image when one value of its code moves, one value of the code in each row.

    Args:
        path: the PNG file to write.
        title: above the picture.
        images: `(rows, steps, height, width, 1 or 3)` in [0, 1].
        values: `(steps,)`, what the value is in each column.
        names: `(rows,)`, which value moves in each row.
    """
    draw_grid(path, title, as_colours(images), "what it is set to", [f"{value:.3g}" for value in values], names)


def best_inputs(kernels: Floats) -> Floats:
    """For each unit the input of norm 1 that activates it most: x_j = W_ij / √(Σ_j W_ij²) (notes 003, visualization).

    Args:
        kernels: the weights of each unit, `(units, height, width, channels)`.

    Returns:
        As `kernels`, float32; a unit whose weights are all zero keeps them.
    """
    norms = np.sqrt(np.sum(np.square(kernels, dtype=np.float64), axis=(1, 2, 3), keepdims=True))
    return np.asarray(kernels / np.where(norms == 0, 1, norms), np.float32)


def hidden_units(path: Path, title: str, kernels: Floats) -> None:
    """Draws the `best_inputs` of the first 100 units, each on its own scale.

    Three channels are drawn as colours around grey; else it is the mean over the channels, from blue to red.
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
        colours = np.asarray(colormaps["RdBu_r"].resampled(17)(tiles[..., 0])[..., :3], np.float32)  # few: a small file
        draw_grid(path, title, as_square(colours), "red: activates the unit, blue: inhibits it")


def two_dimensions(codes: Floats) -> Floats:
    """A place in the plane for each code: codes of one or two values as they are, others by t-SNE.

    Args:
        codes: `(n, …)`; about 1,000 at most, which take some seconds.

    Returns:
        `(n, 2)`, the same each time.
    """
    flat = codes.reshape(len(codes), -1)
    if flat.shape[1] <= 2:
        return np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))
    if np.ptp(flat, axis=0).max() == 0:  # all codes are one, and t-SNE would divide by zero
        return np.zeros((len(flat), 2), np.float32)
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    tsne = TSNE(perplexity=min(30.0, (len(flat) - 1) / 3), init="pca", random_state=0)
    with threadpool_limits(1):  # more threads give other figures, and wait long for each other on a busy machine
        return np.asarray(tsne.fit_transform(flat), np.float32)


def codes_2d(path: Path, title: str, codes: Floats, labels: NDArray[np.int64], method: str) -> None:
    """Draws each code as its label, in the label's colour.

    Args:
        path: the PNG file to write.
        title: above the picture.
        codes: `(n, 2)`.
        labels: `(n,)`, of up to ten kinds.
        method: how the codes came to have two dimensions; names the axes.
    """
    figure = new_chart(6.4, 5.2)
    axis = figure.subplots()
    dress(axis, title, f"{method}, dimension 1", f"{method}, dimension 2")
    for label, colour in zip(np.unique(labels), cycle(COLOURS), strict=False):
        x, y = codes[labels == label].T
        axis.scatter(x, y, s=28, marker=f"${label}$", color=colour, linewidths=0.3)
    axis.set_aspect("equal", adjustable="datalim")
    save(figure, path)


def learning_curve(
    path: Path, title: str, history: Mapping[str, Sequence[float]], best_epoch: int, pca: float | None = None
) -> None:
    """Draws each epoch's loss, in training and in validation, and marks the epoch that is kept.

    Args:
        path: the PNG file to write.
        title: above the picture.
        history: `loss` and `val_loss`, a value an epoch.
        best_epoch: counted from 1.
        pca: the loss of PCA with as large a code, on the same scale.
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_chart(6.4, 3.6)
    axis = figure.subplots()
    dress(axis, title, "epoch", "loss of an example")
    epochs = range(1, len(history["loss"]) + 1)
    for name, label, colour in (("loss", "training", "#4c72b0"), ("val_loss", "validation", "#dd8452")):
        axis.plot(epochs, history[name], label=label, color=colour, marker=".", markersize=4)
    kept = history["val_loss"][best_epoch - 1]
    axis.plot(best_epoch, kept, "o", mfc="none", color=INK, label=f"kept: epoch {best_epoch}")
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
    """Draws a line for each name over the `levels`, with `log` on a logarithmic scale. The last one is in front."""
    figure = new_chart(6.4, 3.8)
    axis = figure.subplots()
    dress(axis, title, xlabel, ylabel)
    for (name, values), colour, marker in zip(curves.items(), cycle(COLOURS), cycle(MARKERS), strict=False):
        often = max(1, len(levels) // 15)
        axis.plot(levels, values, label=name, color=colour, marker=marker, markersize=5, markevery=often)
    if log:
        axis.set_yscale("log")
    axis.legend(frameon=False, fontsize=9, labelcolor=INK)
    save(figure, path)


def kl_curve(path: Path, rho: float, means: Floats, title: str) -> None:
    """Draws the penalty KL(ρ‖ρ̂) over ρ̂, for ρ = 0.2 and for the model's ρ, above a histogram of the units' ρ̂.

    Args:
        path: the PNG file to write.
        rho: the mean activation that the model is trained towards, in (0, 1).
        means: `(units,)`, the mean activation of each unit, in [0, 1].
        title: above the picture.
    """
    figure = new_chart(6.4, 4.2)
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (3, 1)})
    dress(upper, title, "", "KL(ρ‖$\\hat{ρ}$) in nats")
    dress(lower, "", "$\\hat{ρ}$, the mean activation of a unit (dashed: this model's ρ)", "units")
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
