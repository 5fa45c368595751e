"""Makes datasets of arrays: images with classes, numbers, masks, boxes or captions, and sequences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.dataset import Dataset, check_images, from_bytes
from ..data.tokens import Tokens
from ..errors import BadData
from .columns import check_classes
from .memory import Arrays, load_arrays
from .parts import Way
from .source import Source
from .table import sorted_names, text_of
from .tables import divide

# Dimensions of x, for the forms that become tables.
WIDTHS = {"table": 2, "categories": 2, "texts": 1, "tags": 1, "pairs": 1}


def as_frames(source: Source, form: str, arrays: Arrays) -> Source:
    """Returns the source with a DataFrame in place of the arrays x and y: columns `feature_1` …, or `text` and `label`.

    Raises:
        BadData: x or y has the wrong number of dimensions, or is missing.
    """
    import pandas as pd

    def frame(x: NDArray[Any], y: NDArray[Any]) -> pd.DataFrame:
        if x.ndim != WIDTHS[form]:
            raise BadData(f"Expected x with {WIDTHS[form]} dimensions. Received: {x.shape}.")
        if form in ("texts", "tags", "pairs"):
            return pd.DataFrame({"text": x, "label": flat_targets(y)})
        columns = {f"feature_{number}": column for number, column in enumerate(x.T, 1)}
        targets = flat_targets(y).reshape(len(y), -1).T
        return pd.DataFrame(columns | dict(zip(target_names(len(targets)), targets, strict=True)))

    if "y" not in arrays or ("x_test" in arrays) != ("y_test" in arrays):
        raise BadData("The arrays need targets y for each x.")
    data = frame(arrays["x"], arrays["y"])
    test = frame(arrays["x_test"], arrays["y_test"]) if "x_test" in arrays else None
    if form in ("texts", "tags", "pairs"):
        return replace(source, data=data, test=test, text="text", label="label")
    targets = flat_targets(arrays["y"]).reshape(len(data), -1).shape[1]
    return replace(source, data=data, test=test, target=target_names(targets))


def target_names(count: int) -> tuple[str, ...]:
    return ("target",) if count == 1 else tuple(f"target_{number}" for number in range(1, count + 1))


def flat_targets(y: NDArray[Any]) -> NDArray[Any]:
    """Returns targets `(n, 1)` as `(n,)`, and one-hot classes `(n, classes)` as numbers of classes `(n,)`."""
    if y.ndim == 2 and y.shape[1] == 1:
        return y[:, 0]
    is_one_hot = y.ndim == 2 and y.dtype.kind in "iufb" and ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all()
    return np.asarray(y.argmax(axis=1)) if is_one_hot else y


def read_array_dataset(source: Source, arrays: Arrays, task: str, model: str, seed: int) -> Dataset:
    """Returns a dataset of images or sequences.

    Args:
        source: the options.
        arrays: x, y, x_test and y_test.
        task: the task of the recipe, such as `classify`.
        model: name of the model, for messages.
        seed: seed of the split.

    Raises:
        BadData: an array has the wrong shape, type or values.
    """
    is_sequence = arrays["x"].ndim == 3 and model_reads_sequences(task, model)
    x = sequences_of(arrays["x"], "x") if is_sequence else images_of(arrays["x"], "x")
    if task == "colorize" and x.shape[-1] != 3:
        raise BadData(f"{model} needs colour images with 3 channels. Received: x with the shape {x.shape}.")
    y, labels, texts = _targets(arrays, task, model)
    classes = y if task == "classify" else None
    way: Way = source.split or ("random" if classes is None else "stratified")  # type: ignore[assignment]
    if way == "stratified" and classes is None:
        raise BadData("A stratified split needs classes. Use split=random or split=time.")
    has_test = "x_test" in arrays
    options = replace(source, test=arrays["x_test"]) if has_test else source
    train, held_out, validation = divide(len(x), options, way, classes, seed, source.title)
    x_test, y_test = x[held_out], y[held_out]
    if has_test:
        x_test = (sequences_of if is_sequence else images_of)(arrays["x_test"], "x_test")
        y_test = y[len(x) :]
    if x_test.shape[1:] != x.shape[1:]:
        raise BadData(f"x has examples of the shape {x.shape[1:]}, but x_test of the shape {x_test.shape[1:]}.")
    preparation = None
    if not is_sequence:
        height, width, channels = x.shape[1:]
        preparation = {"kind": "pictures", "height": height, "width": width, "channels": channels}
        preparation |= {"fit": "crop", "pixels": "0..1"}
    return Dataset(
        name=source.title,
        x_train=x[train],
        y_train=y[train],
        x_test=x_test,
        y_test=y_test,
        source=source.title,
        labels=labels,
        texts=texts,
        validation=validation,
        preparation=preparation,
    )


def model_reads_sequences(task: str, model: str) -> bool:
    """Returns whether a model for `classify` or `regress` has sequences as its inputs."""
    from ...models.registry import describe

    parameters = describe(model).parameters
    return task in ("classify", "regress") and "features" in parameters


def sequences_of(x: NDArray[Any], name: str) -> NDArray[np.float32]:
    values = np.asarray(x, np.float32)
    if values.ndim != 3 or not np.isfinite(values).all():
        raise BadData(f"Expected {name} as finite numbers (examples, time, features). Received: {x.dtype} {x.shape}.")
    return values


def images_of(x: NDArray[Any], name: str) -> NDArray[np.float32]:
    """Returns images as float32 `(n, height, width, channels)` in [0, 1]. Integers are divided by 255.

    Raises:
        BadData: the array has another shape, or values out of range.
    """
    if x.dtype.kind == "O" or x.ndim not in (3, 4) or not x.size or (x.ndim == 4 and x.shape[3] not in (1, 3)):
        shapes = "(n, height, width) or (n, height, width, 1 or 3)"
        raise BadData(f"Expected {name} as images {shapes}. Received: {x.dtype} {x.shape}.")
    if x.dtype.kind in "iu":
        if x.min() < 0 or x.max() > 255:
            raise BadData(f"Expected integers from 0 to 255 in {name}. Received: from {x.min()} to {x.max()}.")
        return from_bytes(x.astype(np.uint8))
    images = (x if x.ndim == 4 else x[..., None]).astype(np.float32)
    if not (images.min() >= 0 and images.max() <= 1):
        low, high = images.min(), images.max()
        remedy = "Divide by 255." if low >= 0 and 1 < high <= 255 else "Scale the values to this range."
        raise BadData(f"Expected values from 0 to 1 in {name}. Received: from {low:g} to {high:g}. {remedy}")
    check_images(images, name)
    return images


def _targets(arrays: Arrays, task: str, model: str) -> tuple[NDArray[Any], tuple[str, ...], dict[str, Tokens]]:
    """Returns the targets of x and then of x_test, the labels, and the vocabulary of captions."""
    xs, ys = ([arrays[name] for name in (key, f"{key}_test") if name in arrays] for key in ("x", "y"))
    if task in ("reconstruct", "denoise", "generate", "colorize") and not ys:
        return np.zeros(sum(map(len, xs)), np.int64), (), {}
    if len(ys) != len(xs):
        raise BadData(f"{model} needs targets: arrays x and y.")
    count = len(ys[0])
    if len({each.shape[1:] for each in ys}) > 1:
        raise BadData(f"y and y_test have different shapes: {ys[0].shape} and {ys[1].shape}.")
    y = np.concatenate(ys)
    if task == "caption":
        texts = np.array([text_of(each) or "" for each in flat_targets(y)], object)
        has_words = any(" " in each for each in texts)
        tokens = Tokens.of(texts[:count], "spaces" if has_words else "characters", marks=True)
        return tokens.ids(texts.tolist()), (), {"output": tokens}
    if task in ("segment", "detect"):
        return areas_of(y, task, model)
    if task == "regress":
        numbers = y.reshape(len(y), -1)
        if y.dtype.kind == "O" or y.ndim > 2 or not np.isfinite(numbers.astype(np.float32)).all():
            raise BadData(f"Expected y as finite numbers (n,) or (n, values). Received: {y.dtype} {y.shape}.")
        return numbers.astype(np.float32), target_names(numbers.shape[1]), {}
    classes = flat_targets(y)
    if classes.ndim != 1:
        raise BadData(f"Expected y as classes (n,). Received: {y.dtype} {y.shape}.")
    texts = np.array([text_of(each) for each in classes], object)
    missing = [number for number, each in enumerate(texts, 1) if each is None]
    if missing:
        raise BadData(f"Missing value in y, example {missing[0]}.")
    names = sorted_names(texts[:count])
    new = set(texts) - set(names)
    if new:
        raise BadData(f"y_test has the class {sorted_names(list(new))[0]}, which no training example has.")
    if task == "classify":
        check_classes(names, count, "y", model)
    number = {name: index for index, name in enumerate(names)}
    return np.array([number[each] for each in texts], np.int64), names, {}


def areas_of(y: NDArray[Any], task: str, model: str) -> tuple[NDArray[Any], tuple[str, ...], dict[str, Tokens]]:
    """Returns the classes of pixels or objects, and the names of the classes."""
    if task == "segment":
        masks = y[..., 0] if y.ndim == 4 and y.shape[3] == 1 else y
        if masks.ndim != 3 or masks.dtype.kind not in "iub" or masks.min() < 0 or masks.max() < 1 or masks.max() > 255:
            raise BadData(f"Expected y as classes (n, height, width), from 0 to 255. Received: {y.dtype} {y.shape}.")
        last = int(masks.max())
        return masks.astype(np.int64), (*map(str, range(last)), "background"), {}
    if y.ndim != 3 or y.shape[2] != 5 or y.dtype.kind not in "iuf" or not np.isfinite(y).all():
        raise BadData(
            "Expected y as objects (n, objects, 5): class, top, left, bottom and right, as fractions of the image. "
            f"Received: {y.dtype} {y.shape}."
        )
    last = int(y[..., 0].max())
    if last < 0 or last > 1_000 or y[..., 1:].min() < 0 or y[..., 1:].max() > 1:
        raise BadData(f"{model} needs an object in y, with classes below 1,000 and edges from 0 to 1.")
    return y.astype(np.float32), tuple(map(str, range(last + 1))), {}


def load_all(source: Source, forms: tuple[str, ...]) -> Arrays:
    """Returns the arrays of the data and of the test data. See `load_arrays`."""
    arrays = load_arrays(source.data, forms)
    if source.test is not None:
        test = load_arrays(source.test, forms)
        if "x_test" in arrays:
            raise BadData("The data have the test arrays x_test and y_test already. Leave out the option test.")
        arrays |= {f"{name}_test": test[name] for name in ("x", "y") if name in test}
    return arrays
