"""Reads a folder of pictures exactly as the pictures of a finished run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from ...preparation.description import Pictures
from ..data.dataset import Dataset
from ..errors import BadData
from .pictures_folder import OUTSIDE, list_pictures, shown
from .pictures_stream import Decoder
from .source import Source

if TYPE_CHECKING:
    from .prepared import Known

MOST_ARRAY_BYTES = 512 << 20  # of all images as float32; of larger folders, a random sample is read


def read_prepared_pictures(source: Source, known: Known) -> Dataset:
    """Reads a folder of pictures as test examples, in the size and the kind of the run's images.

    For the task `classify`, the subfolders are the classes. If the images need more than 512 MB, a random sample of the
    pictures is read. Broken pictures are skipped and named, except with `source.strict`.

    Raises:
        BadData: there are no pictures, no picture can be decoded, or a subfolder is not a class of the run.
    """
    from .prepared import classes_of, dataset_of

    listing = list_pictures(source.data)
    is_class = known.recipe.task == "classify"
    if is_class:
        listing.keep([top != b"" for top in listing.tops()], OUTSIDE)
        if not listing.paths:
            raise BadData(f"{known.model} needs a subfolder of pictures for each class in {listing.name}.")
    tops = [shown(top) if top else "(no folder)" for top in listing.tops()]
    labels = classes_of(list(tops), known, listing.name) if is_class else np.unique(tops, return_inverse=True)[1]
    decoder = Decoder([os.path.join(os.fsencode(listing.root), path) for path in listing.paths], pictures_of(known))
    most = max(1, MOST_ARRAY_BYTES // (4 * int(np.prod(known.x_shape))))
    chosen = np.sort(np.random.default_rng(0).permutation(len(tops))[:most])
    images, indices = decoder.load(chosen)
    if source.strict:
        decoder.check_strict()
    if not len(images):
        raise BadData(f"None of the pictures of {listing.name} can be decoded: {decoder.broken_text()}.")
    notes = []
    if len(chosen) < len(tops):
        notes.append(f"A random sample of {len(chosen):,} of the {len(tops):,} pictures")
    if ignored := listing.ignored_text():
        notes.append(f"Ignored in {listing.name}: {ignored}")
    if decoder.broken:
        notes.append(f"Skipped {len(decoder.broken):,} broken: {decoder.broken_text()}")
    return dataset_of(source, known, images, labels[indices], tuple(notes))


def pictures_of(known: Known) -> Pictures:
    """Returns the size and the kind of the run's images. For a dataset of the gallery, pictures are cut to this size.

    Raises:
        BadData: the run does not have images.
    """
    if len(known.x_shape) != 3:
        raise BadData(f"{known.model} was not trained on images.")
    preparation = known.preparation or {}
    return Pictures(*known.x_shape, fit=preparation.get("fit", "crop"))
