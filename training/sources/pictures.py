"""Reads a folder of pictures as a dataset. Small folders become arrays, large folders are decoded in each epoch."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...preparation.description import to_json
from ..data.dataset import MOST_VALIDATION_EXAMPLES, VALIDATION_SHARE, Dataset
from ..errors import BadData
from ..recipe import Recipe
from .parts import Way, check_count, split_off
from .pictures_batches import PictureStream
from .pictures_choice import choose
from .pictures_folder import OUTSIDE, Listing, list_pictures, shown
from .pictures_stream import Decoder, Indices
from .source import Source

MOST_ARRAY_BYTES = 512 << 20  # of all images as float32; larger folders are decoded in each epoch
SAMPLE_BYTES = 48 << 20  # of the images of a part that are kept as an array, if the folder is large
Labels = NDArray[np.int64]


def read_pictures(source: Source, model: str, recipe: Recipe, seed: int) -> Dataset:
    """Reads a folder of pictures as a dataset for a model.

    For the task `classify`, each subfolder of the folder is a class. For other tasks, the pictures can be anywhere
    below the folder; the labels are the subfolders, for the plots.

    If all images need at most 512 MB, they are decoded once. Otherwise the dataset has a `stream`, which decodes the
    training pictures in each epoch, and `x_train` and `x_test` are samples.

    Args:
        source: the folder, and the options.
        model: name of the model.
        recipe: the recipe.
        seed: seed of the split into training, validation and test pictures, and of the samples.

    Raises:
        BadData: the folder has too few pictures or classes, cannot be read, or the model does not take its pictures.
    """
    if source.split == "time":
        raise BadData("Pictures have no time. Use --split random or --split stratified.")
    if source.group not in (None, "folder"):
        raise BadData(f"Pictures are grouped by their folder: --group folder. Received: {source.group}.")
    listing = _listed(source.data, recipe.task, model)
    test = None if source.test is None else _listed(source.test, recipe.task, model, is_test=True)
    if test is not None:
        _check_apart(listing, test)
    check_count(len(listing.paths) + (0 if test is None else len(test.paths)), listing.name)
    labels, names = _labels(listing, test, recipe.task, model)
    count = len(listing.paths)
    paths = [os.path.join(os.fsencode(each.root), path) for each in (listing, test) if each for path in each.paths]

    training, held_out, tests = _parts(source, recipe.task, listing, labels[:count], seed)
    if test is not None:
        tests = np.arange(count, len(paths))
    choice = choose(source, model, recipe, paths, seed)
    shape = (choice.pictures.height, choice.pictures.width, choice.pictures.channels)
    decoder = Decoder(paths, choice.pictures, choice.plain, choice.file_bytes)

    image_bytes = 4 * int(np.prod(shape))
    is_large = image_bytes * len(paths) > MOST_ARRAY_BYTES
    most = max(SAMPLE_BYTES // image_bytes, 1) if is_large else len(paths)
    rng = np.random.default_rng(seed)
    sizes: dict[str, Any] = {"training": len(training), "validation": len(held_out), "test": len(tests)}
    samples = [np.sort(rng.permutation(each)[:most]) for each in (training, held_out, tests)]
    images, indices = decoder.load(np.concatenate(samples))
    if source.strict:
        decoder.check_strict()
    counts = [int(np.isin(indices, each).sum()) for each in samples]  # the images are in the order of the samples
    _check_decoded(listing, decoder, counts)
    ignored = sum((each.ignored for each in (listing, test) if each), Counter[str]())
    if is_large:  # the stream leaves out validation pictures that are not in the sample, so that the figures are honest
        sizes |= {f"{name}_sample": count for name, count in zip(list(sizes), counts, strict=True)}
    facts = sizes | {"ignored": {reason: count for reason, count in ignored.items() if count}}
    train = counts[0] + counts[1]
    return Dataset(  # its arrays are views of `images`
        name=source.title,
        x_train=images[:train],
        y_train=labels[indices[:train]],
        x_test=images[train:],
        y_test=labels[indices[train:]],
        source=f"pictures of the folder {listing.name}",
        labels=names,
        validation=np.arange(counts[0], train),
        preparation=to_json(choice.pictures),
        notes=_notes(choice.note, listing, test, decoder, sizes, is_large),
        stream=PictureStream(decoder, training, labels, strict=source.strict, facts=facts) if is_large else None,
        details=None if is_large else {**facts, "broken": decoder.broken_names()},
    )


def _listed(folder: Any, task: str, model: str, *, is_test: bool = False) -> Listing:
    """Lists a folder. For `classify`, leaves out the pictures that are in no class folder."""
    listing = list_pictures(Path(folder))
    if task == "classify":
        tops = listing.tops()
        classes = set(tops) - {b""}
        if not classes or (len(classes) < 2 and not is_test):
            received = f"one subfolder, {shown(next(iter(classes)))}" if classes else "no subfolder with pictures"
            raise BadData(
                f"{model} needs a subfolder of pictures for each of two or more classes in {listing.name}. "
                f"Received: {received}."
            )
        listing.keep([top != b"" for top in tops], OUTSIDE)
    return listing


def _check_apart(listing: Listing, test: Listing) -> None:
    """Raises BadData if one of the two folders contains the other: test pictures must not be training pictures."""
    first, second = listing.root.resolve(), test.root.resolve()
    if first == second or first in second.parents or second in first.parents:
        raise BadData(f"The test folder {test.name} and the folder {listing.name} share pictures. Separate them.")


def _labels(listing: Listing, test: Listing | None, task: str, model: str) -> tuple[Labels, tuple[str, ...]]:
    """Returns the label of each picture of the folder and then of the test folder, and the names of the labels."""
    tops = listing.tops()
    test_tops = [] if test is None else test.tops()
    known = sorted(set(tops) if task == "classify" else {*tops, *test_tops})
    if task != "classify" and len(known) < 2:
        return np.zeros(len(tops) + len(test_tops), np.int64), ()
    number = {top: index for index, top in enumerate(known)}
    unknown = sorted({*test_tops} - number.keys())
    if unknown:
        raise BadData(f"The test folder has the class {shown(unknown[0])}, which no training picture of {model} has.")
    names = tuple(shown(top) if top else "(no folder)" for top in known)
    return np.array([number[top] for top in (*tops, *test_tops)], np.int64), names


def _parts(source: Source, task: str, listing: Listing, labels: Labels, seed: int) -> tuple[Indices, Indices, Indices]:
    """Returns the indices of the training, validation and test pictures."""
    way: Way = "stratified" if task == "classify" else "random"
    keys: NDArray[Any] | None = labels if source.split == "stratified" or task == "classify" else None
    if source.split in ("random", "stratified"):
        way = "random" if source.split == "random" else "stratified"
    if source.group:
        way = "group"
        keys = np.unique(np.array(listing.folders(), object), return_inverse=True)[1]
        if task == "classify":
            _check_groups(keys, labels, listing)
    count = len(labels)
    rest, tests = np.arange(count), np.empty(0, np.int64)
    if source.test is None:
        rest, tests = _split(rest, source.test_share, way, keys, labels, task, seed)
    # The validation split is chosen in the same way as the test pictures.
    if way == "group" and keys is not None and len(np.unique(keys[rest])) < 2:
        way = "random"
    most = MOST_VALIDATION_EXAMPLES
    training, held_out = _split(rest, VALIDATION_SHARE, way, keys, labels, task, seed, most)
    return training, held_out, tests


def _split(
    rows: Indices,
    share: float,
    way: Way,
    keys: NDArray[Any] | None,
    labels: Labels,
    task: str,
    seed: int,
    most: int | None = None,
) -> tuple[Indices, Indices]:
    """Splits rows in two. Groups of a class are split for each class, so that both parts have each class."""
    if way == "group" and task == "classify" and keys is not None:
        parts = []
        for label in np.unique(labels[rows]):
            members = rows[labels[rows] == label]
            if len(np.unique(keys[members])) < 2:
                parts.append((members, members[:0]))
                continue
            first, second = split_off(len(members), share, "group", keys[members], seed, None)
            parts.append((members[first], members[second]))
        both = [np.sort(np.concatenate(each)) for each in zip(*parts, strict=True)]
        if len(both[1]):
            return both[0], both[1]
        way = "stratified"
        keys = labels
    first, second = split_off(len(rows), share, way, None if keys is None else keys[rows], seed, most)
    return rows[first], rows[second]


def _check_groups(groups: NDArray[Any], labels: Labels, listing: Listing) -> None:
    for label in np.unique(labels):
        if len(np.unique(groups[labels == label])) < 2:
            name = shown(listing.tops()[int(np.flatnonzero(labels == label)[0])])
            raise BadData(f"With --group folder, each class needs two or more subfolders. The class {name} has one.")


def _check_decoded(listing: Listing, decoder: Decoder, counts: list[int]) -> None:
    """Raises BadData if a part has no picture, or if more than half of the pictures are broken."""
    if all(counts) and len(decoder.broken) <= sum(counts):
        return
    raise BadData(
        f"Too few pictures of {listing.name} can be decoded: {len(decoder.broken):,} are broken: "
        f"{decoder.broken_text()}."
    )


def _notes(
    chosen: str, listing: Listing, test: Listing | None, decoder: Decoder, sizes: Mapping[str, int], is_large: bool
) -> tuple[str, ...]:
    """Returns lines that say how the pictures are read, and what is left out."""
    notes = [f"Pictures become {chosen}"]
    if is_large:
        notes.append(
            f"Too many pictures to keep in memory: each epoch decodes the {sizes['training']:,} training pictures. "
            f"Validation uses {sizes['validation_sample']:,} pictures, tests {sizes['test_sample']:,} of "
            f"{sizes['test']:,}, and figures of the training pictures a sample of {sizes['training_sample']:,}"
        )
    for each in (listing, test):
        if each is not None and each.ignored_text():
            notes.append(f"Ignored in {each.name}: {each.ignored_text()}")
    if decoder.broken:
        notes.append(f"Skipped {len(decoder.broken):,} broken: {decoder.broken_text()}")
    return tuple(notes)
