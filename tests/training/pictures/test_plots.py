"""Tests of the pictures of a run: the colours and positions of their pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from keras_gallery.training.pictures._canvas import COLOURS, INK
from keras_gallery.training.pictures.plots import (
    best_inputs,
    codes_2d,
    hidden_units,
    image_strip,
    kl_curve,
    learning_curve,
    lines,
    sample_grid,
    traversal,
    two_dimensions,
)
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from sklearn.manifold import trustworthiness

RED, GREEN = np.array([1, 0, 0]), np.array([0, 1, 0])
DARK_RED, MIDDLE, DARK_BLUE = (to_rgb(colour) for colour in ("#67001f", "#f7f7f7", "#053061"))  # ColorBrewer's RdBu


def where(path: Path, colour: object, tolerance: float = 0.01) -> np.ndarray:
    """Returns a mask (height, width): True for the pixels of the file that have the colour."""
    return (np.abs(imread(path)[..., :3] - np.asarray(colour)) < tolerance).all(axis=-1)


def test_strip_has_a_row_for_each_stage(tmp_path: Path) -> None:
    """The first row shows black images, the second row codes of both signs, and the last row white images."""
    white, black = np.ones((3, 8, 8, 1), np.float32), np.zeros((3, 8, 8, 1), np.float32)
    codes = np.array([[-1, 1], [1, -1], [-1, 1]], np.float32)
    image_strip(tmp_path / "a.png", "title", {"clean": black}, codes, {"denoised": white})
    is_black = np.flatnonzero(where(tmp_path / "a.png", 0).sum(axis=1) > 100)
    is_red, is_blue = where(tmp_path / "a.png", DARK_RED), where(tmp_path / "a.png", DARK_BLUE)
    assert len(is_black) == 64
    assert is_black.max() < np.flatnonzero(is_blue.any(axis=1)).min()
    assert np.flatnonzero(is_blue.any(axis=0)).min() < np.flatnonzero(is_red.any(axis=0)).min()
    assert is_blue.sum() == is_red.sum() == 3 * 32 * 21


def test_strip_of_colour_and_grey_images(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """If there are no codes, the strip has no row for codes. Colours outside [0, 1] are clipped."""
    black, red = np.zeros((4, 30, 20, 1), np.float32), np.broadcast_to(2 * RED - 0.5, (4, 30, 20, 3))
    image_strip(tmp_path / "a.png", "title", {"grey": black}, None, {"coloured": red})
    assert not caplog.records  # matplotlib warns of colours outside [0, 1]
    is_red, is_black = where(tmp_path / "a.png", RED), where(tmp_path / "a.png", 0)
    assert is_red.sum() == is_black.sum() == 4 * 60 * 40  # images are drawn twice as large
    assert np.flatnonzero(is_red.any(axis=1)).min() - np.flatnonzero(is_black.any(axis=1)).max() < 10


def test_strip_is_as_wide_as_its_title(tmp_path: Path) -> None:
    image = np.zeros((1, 8, 8, 1), np.float32)
    image_strip(tmp_path / "a.png", "a title " * 10, {}, None, {"image": image})
    ink = np.flatnonzero((imread(tmp_path / "a.png")[:20, :, 0] < 0.9).any(axis=0))
    assert ink.max() - ink.min() > 300  # the image is only 64 pixels wide
    assert ink.min() >= 5 and ink.max() < imread(tmp_path / "a.png").shape[1] - 5


def test_sample_grid_is_nearly_square(tmp_path: Path) -> None:
    """Five images are arranged in rows of three and two."""
    sample_grid(tmp_path / "a.png", "title", np.broadcast_to(RED, (5, 20, 20, 3)).astype(np.float32))
    widths = where(tmp_path / "a.png", RED).sum(axis=1)
    assert sorted(set(widths)) == [0, 120, 180]
    assert np.flatnonzero(widths == 180).max() < np.flatnonzero(widths == 120).min()


def test_traversal_has_a_row_for_each_name_and_a_column_for_each_value(tmp_path: Path) -> None:
    """The images are green, and each is lighter than the image before."""
    levels = np.linspace(0.2, 1, 6).reshape(2, 3)
    images = np.broadcast_to(levels[..., None, None, None] * GREEN, (2, 3, 10, 10, 3)).astype(np.float32)
    traversal(tmp_path / "a.png", "title", images, [-3, 0, 3], ["first", "second"])
    found = [np.argwhere(where(tmp_path / "a.png", level * GREEN)) for level in levels.ravel()]
    assert [len(places) for places in found] == [60 * 60] * 6
    corners = np.array([places[0] for places in found]).reshape(2, 3, 2)
    assert (np.diff(corners[..., 0], axis=0) == 64).all() and (np.diff(corners[..., 1], axis=1) == 64).all()
    ink = imread(tmp_path / "a.png")[..., 0] < 0.5
    left, bottom = corners[0, 0, 1], corners[1, 0, 0] + 60
    assert ink[corners[0, 0, 0] : bottom, : left - 2].any() and ink[bottom + 2 :].any()  # names and values


def test_best_input_activates_its_unit_most() -> None:
    """By the Cauchy–Schwarz inequality, the best input is the vector of the unit's weights, scaled to norm 1."""
    rng = np.random.default_rng(0)
    kernels = rng.normal(size=(5, 4, 3, 2)).astype(np.float32)
    kernels[3] = 0
    inputs = best_inputs(kernels)
    assert inputs.shape == kernels.shape and inputs.dtype == np.float32
    rows, flat = kernels.reshape(5, -1), inputs.reshape(5, -1)
    np.testing.assert_allclose(np.linalg.norm(flat, axis=1), [1, 1, 1, 0, 1], rtol=1e-6)
    activations = (rows * flat).sum(axis=1)
    np.testing.assert_allclose(activations, np.linalg.norm(rows, axis=1), rtol=1e-6)
    random_inputs = rng.normal(size=(10_000, rows.shape[1]))
    random_inputs /= np.linalg.norm(random_inputs, axis=1, keepdims=True)
    assert ((random_inputs @ rows.T).max(axis=0) <= activations).all()


def test_each_hidden_unit_has_its_own_scale(tmp_path: Path) -> None:
    """The units have small, large, and negative weights, a single weight other than 0, and only weights of 0."""
    kernels = np.ones((5, 20, 20, 1), np.float32) * np.array([1e-3, 1e3, -1, 0, 0], np.float32).reshape(5, 1, 1, 1)
    kernels[3, 10, 10] = 1
    hidden_units(tmp_path / "a.png", "title", kernels)
    areas = [where(tmp_path / "a.png", colour).sum() for colour in (DARK_RED, MIDDLE, DARK_BLUE)]
    assert areas == pytest.approx([2 * 3600, 2 * 3600, 3600], abs=50)  # a few pixels around the letters


def test_hidden_units_with_three_channels_are_drawn_in_colour(tmp_path: Path) -> None:
    kernels = np.broadcast_to(RED - GREEN, (1, 30, 30, 3)).astype(np.float32)
    hidden_units(tmp_path / "a.png", "title", kernels)
    assert where(tmp_path / "a.png", [1, 0, 0.5]).sum() == 3600


def test_only_the_first_hundred_hidden_units_are_drawn(tmp_path: Path) -> None:
    kernels = np.random.default_rng(0).normal(size=(130, 2, 2, 5)).astype(np.float32)
    for name, units in (("a", kernels), ("b", kernels[:100])):
        hidden_units(tmp_path / f"{name}.png", "title", units)
    np.testing.assert_array_equal(imread(tmp_path / "a.png"), imread(tmp_path / "b.png"))


def test_codes_of_one_or_two_values_are_unchanged() -> None:
    codes = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    np.testing.assert_array_equal(two_dimensions(codes), codes)
    np.testing.assert_array_equal(two_dimensions(codes[:, :1]), codes * [1, 0])


@pytest.mark.parametrize("count", [6, 90])
def test_neighbours_stay_neighbours(count: int) -> None:
    """The positions of three clusters of feature maps are reproducible, and equal the positions of flattened codes."""
    rng = np.random.default_rng(0)
    maps = (10 * np.arange(count).reshape(-1, 1, 1, 1) % 3 * rng.normal(size=(2, 2, 4))).astype(np.float32)
    maps += rng.normal(scale=0.1, size=maps.shape)
    positions = two_dimensions(maps)
    assert positions.shape == (count, 2) and positions.dtype == np.float32
    np.testing.assert_array_equal(positions, two_dimensions(maps.reshape(count, 16)))
    if count > 30:
        assert trustworthiness(maps.reshape(count, 16), positions) > 0.9


def test_equal_codes_have_the_same_position() -> None:
    np.testing.assert_array_equal(two_dimensions(np.full((40, 3), 7, np.float32)), np.zeros((40, 2)))


def test_codes_have_the_colour_of_their_label(tmp_path: Path) -> None:
    """Label 0 is drawn on the left, label 1 on the right."""
    codes = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    codes[:, 0] = np.repeat([-5, 5], 50) + codes[:, 0] / 5
    codes_2d(tmp_path / "a.png", "title", codes, np.repeat([0, 1], 50), "t-SNE")
    columns = [np.flatnonzero(where(tmp_path / "a.png", to_rgb(colour)).any(axis=0)) for colour in COLOURS[:3]]
    assert columns[0].max() + 100 < columns[1].min()
    assert len(columns[2]) == 0


def test_learning_curve(tmp_path: Path) -> None:
    """The picture has two curves. If `pca` is given, it also has a horizontal line at this value."""
    history = {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 1.5, 1.8]}
    levels = []
    for name, pca in (("a", None), ("b", 2.5)):
        learning_curve(tmp_path / f"{name}.png", "title", history, 2, pca=pca)
        for colour in ("#4c72b0", "#dd8452"):
            assert where(tmp_path / f"{name}.png", to_rgb(colour)).sum() > 200
        long_lines = (imread(tmp_path / f"{name}.png")[..., 0] < 0.6).sum(axis=1) > 250
        levels.append(np.count_nonzero(np.diff(long_lines.astype(int)) == 1))
    assert levels == [1, 2]  # long horizontal lines: only the axis; the axis and the line of PCA


def test_lines(tmp_path: Path) -> None:
    """Each line has its own colour and height."""
    curves = {"identity": [10.0, 8.0, 6.0], "median filter": [12.0, 11.0, 10.0], "this model": [20.0, 19.0, 18.0]}
    lines(tmp_path / "a.png", "title", [0.1, 0.2, 0.4], curves, "noise", "PSNR in dB")
    heights = []
    for colour in COLOURS[:3]:
        rows, columns = np.nonzero(where(tmp_path / "a.png", to_rgb(colour)))
        heights.append(rows[columns == columns.max()].mean())  # at the last level, where there is no legend
    assert heights[0] > heights[1] > heights[2]
    assert not where(tmp_path / "a.png", to_rgb(COLOURS[3])).any()


def test_kl_curve_is_lowest_at_rho(tmp_path: Path) -> None:
    """Each of the two curves is 0 at its ρ. The histogram shows the mean activations of the units."""
    kl_curve(tmp_path / "a.png", 0.6, np.full(10, 0.805, np.float32), "title")
    ink = where(tmp_path / "a.png", to_rgb(INK))
    bottom = int(ink.sum(axis=1).argmax())  # an axis line, from 0 to 1
    left, right = np.flatnonzero(ink[bottom])[[0, -1]]

    def share(colour: str, rows: slice) -> float:
        """Returns the horizontal position, from 0 to 1, of the lowest pixels of the colour."""
        found, columns = np.nonzero(where(tmp_path / "a.png", to_rgb(colour), 0.1)[rows])
        return float((columns[found == found.max()].mean() - left) / (right - left))

    upper = slice(0, int(np.flatnonzero(ink.sum(axis=1) > 400)[0]))
    assert share(COLOURS[-2], upper) == pytest.approx(0.2, abs=0.03)
    assert share(COLOURS[0], upper) == pytest.approx(0.6, abs=0.03)
    assert share(COLOURS[0], slice(None)) == pytest.approx(0.805, abs=0.01)
