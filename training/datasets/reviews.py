"""10,600 sentences of film reviews, positive or negative. They are read from GALLERY_DATA; there is no download.

Shape: 8,455 training and 2,113 test sentences, as ids (56,), int32. The vocabulary is the 8,000 most frequent training
    words (see `training/data/tokens.py`). The labels are 0 (against) and 1 (for).
Split: the test sentences are a random fifth of each class, with a fixed seed.
Classes: twenty people rated each sentence from −4 to 4. The label is the sign of the mean rating. Sentences with a mean
    rating of 0 are left out. Sentences on which the people disagreed are included.
Files: the folder in the environment variable `GALLERY_DATA` must contain `movie_reviews/reviews.tsv.gz`, in UTF-8. Each
    line has a rating, a tab and a sentence.
Source: the ratings are from C. Hutto, E. Gilbert 2014, "VADER", ICWSM; the sentences are from B. Pang, L. Lee 2005,
    "Seeing Stars", ACL; no licence is stated.
"""

import gzip
import os
import zlib
from pathlib import Path

import numpy as np

from ..data.dataset import Dataset, stratified_split
from ..errors import BadData, DataUnavailable
from ._texts import text_dataset

FILE = Path("movie_reviews", "reviews.tsv.gz")
LABELS = ("against", "for")
WORDS, LONGEST = 8_000, 56
MOST_BYTES = 2**26  # largest uncompressed size that is read; the file has 1.2 million bytes


def load() -> Dataset:
    path = Path(os.environ.get("GALLERY_DATA", ""), FILE)
    if "GALLERY_DATA" not in os.environ or not path.is_file():
        raise DataUnavailable(
            f"Missing file: {path}. Set GALLERY_DATA to a folder that contains {FILE}, or train with the recipe "
            "stress, which needs no files (--recipe stress)."
        )
    rated = [(rating, sentence) for rating, sentence in read(path) if rating]
    sentences = np.array([sentence for _, sentence in rated], object)
    labels = np.array([rating > 0 for rating, _ in rated], np.int64)
    train, test = stratified_split(labels, test_share=0.2)
    return text_dataset(
        "reviews",
        (sentences[train].tolist(), labels[train]),
        (sentences[test].tolist(), labels[test]),
        source="Sentences of film reviews (Pang, Lee 2005), rated by Hutto and Gilbert 2014",
        labels=LABELS,
        most=WORDS,
        length=LONGEST,
    )


def read(path: Path) -> list[tuple[float, str]]:
    """Returns the rating and the sentence of each line."""
    try:
        with gzip.open(path) as file:
            lines = file.read(MOST_BYTES).decode("utf-8").splitlines()
        return [(float(rating), sentence) for rating, sentence in (line.split("\t") for line in lines)]
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise BadData(f"Expected {path} with a rating, a tab and a sentence in each line. Received: {error}.") from None
