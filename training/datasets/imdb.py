"""IMDb: 50,000 film reviews, positive or negative. They are downloaded, or read from GALLERY_DATA.

Shape: 25,000 training and 25,000 test reviews. The input is the first 256 words of a review as ids (256,), int32. The
    vocabulary is the 10,000 most frequent training words (see `training/data/tokens.py`). The labels are 0 (against)
    and 1 (for). They are equally frequent.
Split: the published split; no film is in both parts.
Files: the folder in the environment variable `GALLERY_DATA` must contain `imdb/imdb.npz` and
    `imdb/imdb_word_index.json`, in Keras's format. Without `GALLERY_DATA`, `keras.datasets` downloads the files once.
Source: A. Maas et al. 2011, "Learning Word Vectors for Sentiment Analysis", ACL; no licence is stated.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..data.dataset import Dataset
from ..errors import BadData, DataUnavailable
from ._texts import text_dataset

LABELS = ("against", "for")
WORDS, LONGEST = 10_000, 256
# Checksum of Keras's imdb.npz. The file contains pickled lists, so a file with another checksum is not opened.
SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"


def load() -> Dataset:
    folder = os.environ.get("GALLERY_DATA")
    (x_train, y_train), (x_test, y_test), numbers = _read_local(Path(folder, "imdb")) if folder else _fetch()
    words = {number: word for word, number in numbers.items()}
    return text_dataset(
        "imdb",
        (_texts(x_train, words), y_train.astype(np.int64)),
        (_texts(x_test, words), y_test.astype(np.int64)),
        source="IMDb reviews (Maas et al. 2011), as in Keras",
        labels=LABELS,
        most=WORDS,
        length=LONGEST,
    )


def _texts(reviews: Sequence[Sequence[int]], words: dict[int, str]) -> list[str]:
    return [" ".join(words[number] for number in review) for review in reviews]


def _read_local(folder: Path) -> tuple[Any, Any, dict[str, int]]:
    npz, index = folder / "imdb.npz", folder / "imdb_word_index.json"
    if missing := [path for path in (npz, index) if not path.is_file()]:
        raise DataUnavailable(
            f"Missing file: {missing[0]}. The folder GALLERY_DATA/imdb must contain imdb.npz and imdb_word_index.json."
        )
    checksum = hashlib.sha256(npz.read_bytes()).hexdigest()
    if checksum != SHA256:
        raise BadData(f"Expected {npz} with the SHA-256 checksum {SHA256}. Received: {checksum}.")
    with np.load(npz, allow_pickle=True) as arrays:
        train, test = ((arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in ("train", "test"))
    try:
        numbers = json.loads(index.read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8, or not JSON
        raise BadData(f"Expected a JSON file in UTF-8: {index}. Received: {error}.") from None
    return train, test, numbers


def _fetch() -> tuple[Any, Any, dict[str, int]]:
    source = keras.datasets.imdb
    try:
        train, test = source.load_data(start_char=None, oov_char=None, index_from=0)
        return train, test, source.get_word_index()
    except Exception as error:  # Keras raises a plain Exception when it cannot download
        reason = " ".join(str(error).split())
        raise DataUnavailable(
            f"Cannot download imdb: {reason}. Set GALLERY_DATA to a folder that contains imdb/imdb.npz and "
            "imdb/imdb_word_index.json, or train with the recipe stress, which needs no download (--recipe stress)."
        ) from None
