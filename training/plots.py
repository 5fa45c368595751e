"""Pictures of a trained autoencoder, as PNG files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DPI = 150
INK = "#333333"


def image_strip(
    path: Path, title: str, before: Mapping[str, Any], codes: NDArray[np.float32], after: Mapping[str, Any]
) -> None:
    """Draws images in columns and their stages in labelled rows, with the codes as heat strips in between.

    Args:
        path: the PNG file to write.
        title: above the picture.
        before: rows of images `(n, height, width, channels)` in [0, 1], by label, that lead to the codes.
        codes: `(n, code_dim)`.
        after: rows of images that come from the codes.
    """
    from matplotlib.figure import Figure

    rows = {**before, "code": codes, **after}
    columns = len(codes)
    ratios = [0.3 if label == "code" else 1 for label in rows]
    figure = Figure(figsize=(0.9 + 0.72 * columns, 0.5 + 0.72 * sum(ratios)), layout="constrained")
    figure.suptitle(title, fontsize=10, color=INK)
    axes = figure.subplots(len(rows), columns, squeeze=False, gridspec_kw={"height_ratios": ratios})
    largest = float(np.abs(codes).max()) or 1.0
    for line, (label, row) in zip(axes, rows.items(), strict=True):
        for axis, item in zip(line, row, strict=True):
            if label == "code":
                axis.imshow(item[None], cmap="RdBu_r", vmin=-largest, vmax=largest, aspect="auto")
            else:
                axis.imshow(item, cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9, color=INK)
    figure.savefig(path, dpi=DPI)


def learning_curve(path: Path, title: str, history: Mapping[str, Sequence[float]], best_epoch: int) -> None:
    """Draws each epoch's loss, in training and in validation, and marks the epoch that is kept."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(5.6, 3.2), layout="constrained")
    axis = figure.subplots()
    epochs = range(1, len(history["loss"]) + 1)
    for name, label, color in (("loss", "training", "#4c72b0"), ("val_loss", "validation", "#dd8452")):
        axis.plot(epochs, history[name], label=label, color=color, marker=".", markersize=4)
    axis.plot(
        best_epoch,
        history["val_loss"][best_epoch - 1],
        "o",
        mfc="none",
        color=INK,
        label=f"kept: epoch {best_epoch}",
    )
    axis.set(xlabel="epoch", ylabel="loss of an image")
    axis.set_title(title, fontsize=10, color=INK)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", alpha=0.3)
    axis.legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=DPI)
