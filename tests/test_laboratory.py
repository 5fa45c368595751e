"""Tests the functions of the programs in examples/laboratory/ on made data, and runs each program with one epoch."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

PROGRAMS = Path(__file__).parents[1] / "examples" / "laboratory"
SHORT = {
    "binary_images": {"dataset": "digits", "epochs": 1, "seeds": (0, 1)},
    "denoiser_field": {"count": 100, "epochs": 1, "seeds": (0,)},
    "disentanglement": {"count": 100, "epochs": 1, "seeds": (0,), "betas": (1.0,)},
    "edges": {"count": 1_000, "epochs": 1, "seeds": (0,)},
    "interpolation": {"count": 5, "epochs": 1, "seeds": (0,)},
    "surface": {"epochs": 1, "seeds": (0,)},
}


def program(name: str) -> SimpleNamespace:
    """Returns the names that a program defines."""
    return SimpleNamespace(**runpy.run_path(str(PROGRAMS / f"{name}.py")))


def test_all_programs_are_tested() -> None:
    assert sorted(SHORT) == sorted(path.stem for path in PROGRAMS.glob("*.py"))


@pytest.mark.models
@pytest.mark.parametrize("name", SHORT)
def test_program(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import keras
    import numpy as np
    from PIL import Image

    compile_ = keras.Model.compile

    def eagerly(self: keras.Model, *args: object, **options: object) -> None:
        compile_(self, *args, **options | {"run_eagerly": True, "steps_per_execution": 1})

    monkeypatch.setattr(keras.Model, "compile", eagerly)  # one step takes less time than compiling a graph
    main = program(name).main
    main.__globals__["BATCH"] = 10_000  # one step for each epoch
    found = main(tmp_path / "picture.png", **SHORT[name])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= len(found)
    assert all(any(each in line for line in lines) for each in found)
    with Image.open(tmp_path / "picture.png") as picture:
        assert len(np.unique(np.asarray(picture.convert("L")))) > 20


@pytest.mark.models
def test_only_a_local_grating_is_edge_like() -> None:
    import numpy as np

    edges = program("edges")
    down, across = np.mgrid[-4.5:5, -4.5:5]
    grating, turned = np.cos(1.5 * across), np.cos(1.1 * (down + across))
    window = np.exp(-(down**2 + across**2) / (2 * 1.6**2))
    made = {
        "grating in a small window": (grating * window, [True, True, True]),
        "turned grating in a small window": (turned * window, [True, True, True]),
        "grating": (grating, [True, True, False]),
        "two gratings": (grating + np.cos(1.5 * down), [False, False, False]),
        "bright pixel": (1.0 * ((down == 0.5) & (across == 0.5)), [False, False, True]),
    }
    for name, (image, expected) in made.items():
        shares = edges.shares(image[None])
        assert [shares["oriented"], shares["band"], shares["local"]] == expected, name
        assert shares["edge-like"] == all(expected)
    area = edges.measures(np.eye(1, 100).reshape(1, 10, 10))["area"]
    assert area == pytest.approx(1 / 100)  # one pixel of 100


@pytest.mark.models
def test_whitened_values_are_not_correlated() -> None:
    import numpy as np

    edges = program("edges")
    rng = np.random.default_rng(0)
    brightness = rng.normal(size=(5_000, 1, 1))
    x = rng.normal(size=(5_000, 10, 10)).cumsum(axis=1).cumsum(axis=2) + brightness
    white = edges.whitened(x).reshape(5_000, -1)
    variances = np.sort(np.linalg.eigvalsh(np.cov(white.T)))
    before = x.reshape(5_000, -1) / x.std()
    before = np.sort(np.linalg.eigvalsh(np.cov((before - before.mean(axis=1, keepdims=True)).T)))
    np.testing.assert_allclose(variances, before / (before + edges.EPSILON), atol=1e-4)


@pytest.mark.models
def test_plane_of_pca_loses_what_the_formula_says() -> None:
    import numpy as np

    surface = program("surface")
    x = surface.surface(100_000, np.random.default_rng(0))
    np.testing.assert_allclose(np.hypot(x[:, 0], x[:, 1]), 1, rtol=1e-6)  # the radius of the cylinder
    rebuilt = surface.Components(x).reconstruct(x, 2)
    assert surface.lost(x, rebuilt) == pytest.approx(surface.lost_by_a_plane(), rel=0.01)
    assert surface.lost(x, np.broadcast_to(x.mean(axis=0), x.shape)) == pytest.approx(1)


@pytest.mark.models
def test_best_denoiser_moves_along_the_gradient_of_the_log_density() -> None:
    import numpy as np
    from scipy.spatial.distance import cdist
    from scipy.special import logsumexp

    field = program("denoiser_field")
    rng = np.random.default_rng(0)
    train, x, noise = rng.normal(size=(50, 2)), rng.normal(size=(20, 2)), 0.5

    def log_density(points: np.ndarray) -> np.ndarray:
        return logsumexp(-cdist(points, train, "sqeuclidean") / (2 * noise**2), axis=1)

    ends = [(log_density(x + 1e-5 * axis) - log_density(x - 1e-5 * axis)) / 2e-5 for axis in np.eye(2)]
    arrows = field.best_denoiser(x, train, noise) - x
    np.testing.assert_allclose(arrows, noise**2 * np.stack(ends, axis=1), atol=1e-7)


@pytest.mark.models
def test_directions_to_a_curve() -> None:
    import numpy as np

    field = program("denoiser_field")
    angles = np.linspace(0, 2 * np.pi, 100_001)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    x = np.array([[0.5, 0.0], [0.0, 3.0]])
    np.testing.assert_allclose(field.nearest(x, circle), [[1, 0], [0, 1]], atol=1e-4)
    assert field.mean_cosine(np.array([[2.0, 0], [0, 3]]), np.array([[1.0, 0], [1, 0]])) == pytest.approx(0.5)
    points, normals = field.spiral(np.linspace(0, 1, 5))
    ahead = field.spiral(np.linspace(0, 1, 5) + 1e-6)[0] - points
    np.testing.assert_allclose((ahead * normals).sum(axis=1) / 1e-6, 0, atol=1e-4)  # at right angles to the curve
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)


@pytest.mark.models
def test_bend_and_length_of_a_way() -> None:
    import numpy as np

    ways = program("interpolation")
    straight = ways.between(np.zeros((1, 2)), np.ones((1, 2)))
    assert straight.shape == (1, ways.STEPS + 1, 2)
    assert ways.bend(straight) == pytest.approx(0, abs=1e-5) and ways.length(straight) == pytest.approx(1)
    angles = np.linspace(0, np.pi / 2, ways.STEPS + 1)
    turn = np.pi / 2 / ways.STEPS
    quarter = np.stack([np.cos(angles), np.sin(angles)], axis=1)[None]
    assert ways.bend(quarter) == pytest.approx((2 - 2 * np.cos(turn)) / (np.sqrt(2) / ways.STEPS))
    assert ways.length(quarter) == pytest.approx(ways.STEPS * 2 * np.sin(turn / 2) / np.sqrt(2))
    train = np.array([[0.0, 0], [1, 1]])
    assert ways.distance(np.array([[0.0, 1], [1, 1]]), train) == pytest.approx((np.sqrt(0.5) + 0) / 2)
    labels = np.arange(10) // 2
    chosen = ways.pairs(labels, 20, np.random.default_rng(0))
    assert (labels[chosen[:, 0]] != labels[chosen[:, 1]]).all() and len(chosen) == 20


@pytest.mark.models
def test_networks_differ_only_in_noise_and_variance() -> None:
    ways = program("interpolation")
    shapes = {}
    for kind in ways.KINDS:
        network, *parts = ways.networks(kind, (8, 8, 1))
        shapes[kind] = [[weight.shape for weight in each.weights] for each in parts]
        names = {type(each).__name__ for each in network._flatten_layers()}
        assert ("Corruption" in names, "GaussianSample" in names) == (kind == "denoising", kind == "variational")
    assert shapes["plain"] == shapes["denoising"] == shapes["variational"]


@pytest.mark.models
def test_mutual_information_gap_of_made_codes() -> None:
    import numpy as np

    shapes = program("disentanglement")
    rng = np.random.default_rng(0)
    values = shapes.factors(5_000, rng)
    noise = rng.normal(size=values.shape)
    assert shapes.gap(shapes.information(1.0 * values, values)) == pytest.approx(1, abs=0.01)
    assert shapes.gap(shapes.information(np.hstack([values, -values]), values)) == pytest.approx(0, abs=1e-12)
    assert shapes.gap(shapes.information(noise, values)) < 0.01
    # The first value of the code says whether x is at least 4: one bit of three.
    half = np.hstack([values[:, 1:2] >= 4, noise[:, :1]])
    assert shapes.information(half, values[:, 1:2])[0, 0] == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.models
def test_shapes_have_their_factors() -> None:
    import numpy as np

    shapes = program("disentanglement")
    images = shapes.shapes(np.array([[0, 0, 7, 1, 0], [0, 0, 7, 3, 0], [1, 0, 7, 3, 0], [0, 0, 7, 3, 4]]))[..., 0]
    assert images.shape == (4, shapes.SIDE, shapes.SIDE) and images.min() == 0 and images.max() == 1
    small, large, ellipse, upright = images
    places = (np.arange(shapes.SIDE) + 0.5) / shapes.SIDE * 2 - 1
    for image in images:
        assert (image @ places).sum() / image.sum() == pytest.approx(-0.45, abs=0.02)  # x = 0: left
        assert (places @ image).sum() / image.sum() == pytest.approx(0.45, abs=0.02)  # y = 7: below
    assert large.sum() / small.sum() == pytest.approx((0.51 / 0.37) ** 2, rel=0.15)
    assert ellipse.sum() / large.sum() == pytest.approx(np.pi / 4, rel=0.1)
    centred = shapes.shapes(np.array([[0, 3, 4, 3, 0], [0, 4, 4, 3, 4], [2, 4, 4, 3, 0], [0, 4, 4, 3, 2]]))[..., 0]
    assert (centred[0].max(axis=1) > 0).sum() < (centred[0].max(axis=0) > 0).sum()  # longer from left to right
    assert (centred[1].max(axis=1) > 0).sum() > (centred[1].max(axis=0) > 0).sum()  # turned by a right angle
    assert centred[2][:, :9].sum() > 2 * centred[2][:, 9:].sum()  # a triangle is wide on one side
    moment = places @ centred[3] @ places / centred[3].sum()  # positive: from the upper left to the lower right
    assert moment == pytest.approx(0.51**2 / 8 + (0.9 / 14) ** 2, rel=0.1)


@pytest.mark.models
def test_interval_is_that_of_the_paired_t_test() -> None:
    import numpy as np
    from scipy.stats import t

    first, second = [1.0, 2.0, 4.0], [0.5, 2.5, 2.0]
    differences = np.subtract(first, second)
    half = t.ppf(0.975, 2) * differences.std(ddof=1) / np.sqrt(3)
    mean = differences.mean()
    assert program("binary_images").interval(first, second) == pytest.approx((mean, mean - half, mean + half))
