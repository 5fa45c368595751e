"""Reads word vectors from files: the text and the binary format of word2vec, and the text format of GloVe.

The text formats have a line for each word: the word and its numbers, separated by blanks. In the binary format, each
word is followed by a blank and 32-bit floats. Files of word2vec begin with a line of two numbers: how many words there
are, and the length of their vectors. All files may be compressed (`.gz`).

Only the vectors of wanted words are kept. Pickled objects are not loaded. The numbers in the first line are checked
against the size of the file.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import BadData

MOST_BYTES = 2**33  # largest size of a file, uncompressed
MOST_RATIO = 100  # largest ratio of the uncompressed to the compressed size of a large file. Real vectors have 2 to 4.
MOST_WORDS = 20_000_000
MOST_BLANK = 1000  # empty lines
MOST_DIM = 4096  # largest length of a vector
MOST_WORD = 1024  # largest number of bytes of a word
MOST_LINE = MOST_WORD + 32 * MOST_DIM
CHUNK = 2**20  # bytes of a binary file that are read at once
HEADER = re.compile(rb"(\d{1,18}) +(\d{1,18})\s*")
# The first bytes of files that are often passed by mistake. UTF-8 cannot begin with the first byte of a pickle.
REFUSED = {
    b"\x80": "is a pickle, which can run code. Save its vectors with gensim's save_word2vec_format",
    b"PK\x03\x04": "is an archive. Unpack it, and pass the file inside",
}

Floats = NDArray[np.float32]
Found = dict[int, Floats]  # the vector of a word, `(dim,)`, by the number of the word


def check_path(vectors: Any) -> None:
    """Checks the path of word vectors, without reading them. `KeyedVectors` of gensim and "" (none) need no check.

    Raises:
        BadData: there is no such file and no such run, or the file begins like a pickle or an archive.
    """
    if hasattr(vectors, "key_to_index") or (isinstance(vectors, str) and not vectors):
        return
    if not isinstance(vectors, str | Path):
        raise BadData(
            "Expected vectors to be a file, the folder of a run or gensim's KeyedVectors. "
            f"Received: {type(vectors).__name__}."
        )
    path = Path(vectors)
    if (path / "config.json").is_file():
        return
    if not path.is_file():
        raise BadData(f"Expected vectors to be a file, or the folder of a run of word2vec. Received: {path}.")
    try:
        with _opened(path) as file:
            start = file.read(4)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from None
    for first, problem in REFUSED.items():
        if start.startswith(first):
            raise BadData(f"{path.name} {problem}.")


def read_file(path: Path, wanted: Mapping[bytes, int]) -> Found:
    """Reads the vectors of some words. If a word is in the file twice, its first vector is used.

    Args:
        path: the file.
        wanted: the number of each word, by the word in UTF-8.

    Returns:
        The vectors that were found. All have the same length.

    Raises:
        BadData: the file cannot be read, is too large or damaged, or is not a file of word vectors.
    """
    check_path(path)
    try:
        with _opened(path) as file:
            return _read(file, path, wanted)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from None


def _opened(path: Path) -> Any:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


def _unreadable(path: Path, error: Exception) -> BadData:
    return BadData(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}.")


def _too_large(path: Path) -> BadData:
    return BadData(f"{path.name} is too large (uncompressed), or has too many lines. Take fewer words.")


def _read(file: Any, path: Path, wanted: Mapping[bytes, int]) -> Found:
    size = path.stat().st_size
    if path.suffix.lower() == ".gz":
        size = min(MOST_BYTES, max(CHUNK, MOST_RATIO * size))
    if size > MOST_BYTES:
        raise _too_large(path)
    first = file.readline(MOST_LINE)
    header = HEADER.fullmatch(first)
    count, dim = map(int, header.groups()) if header else (None, len(first.split()) - 1)
    if not 1 <= dim <= MOST_DIM:
        received = f"{dim:,}" if header else "a first line without numbers"
        raise BadData(f"Expected vectors of 1 to {MOST_DIM:,} numbers in {path.name}. Received: {received}.")
    start = len(first) if header else 0
    file.seek(start)
    is_text = _split(file.readline(MOST_LINE), dim) is not None
    if count is None and not is_text:
        raise BadData(f"Expected a word and its numbers in the first line of {path.name}.")
    if count is not None and count * (2 * dim + 2 if is_text else 4 * dim + 2) - 1 > size:
        raise BadData(f"{path.name} is too small for {count:,} words of {dim:,} numbers, which its first line names.")
    file.seek(start)
    if count is not None and count > MOST_WORDS:
        raise _too_large(path)
    return (_text if is_text else _binary)(file, path, count, dim, wanted, size)


def _split(line: bytes, dim: int) -> tuple[bytes, Floats] | None:
    """Returns the word and its numbers, or None if the line does not end with `dim` finite numbers."""
    word, *numbers = line.rsplit(None, dim) or [b""]
    try:
        with np.errstate(over="ignore"):
            values = np.array([float(each) for each in numbers], np.float64).astype(np.float32)
    except ValueError:
        return None
    return (word, values) if len(values) == dim and np.isfinite(values).all() else None


def _text(file: Any, path: Path, count: int | None, dim: int, wanted: Mapping[bytes, int], most: int) -> Found:
    found: Found = {}
    lines = size = blank = 0
    while len(found) < len(wanted) and (line := file.readline(MOST_LINE)):
        size += len(line)
        words = line.split(None, 1)[:1]
        lines += len(words)
        blank += not words
        if count is not None and lines > count:
            raise BadData(f"The first line of {path.name} names {count:,} words, but there are more.")
        if size > most or blank > MOST_BLANK or lines > MOST_WORDS:
            raise _too_large(path)
        number = wanted.get(words[0]) if words else None
        if number is None or number in found:
            continue
        row = _split(line, dim)
        if row is None:
            raise BadData(f"Expected a word and {dim:,} numbers for word {lines:,} of {path.name}.")
        if row[0] == words[0]:  # some files have words with blanks
            found[number] = row[1]
    if count is not None and len(found) < len(wanted) and lines != count:
        raise BadData(f"The first line of {path.name} names {count:,} words, but there are {lines:,}.")
    return found


def _binary(file: Any, path: Path, count: int | None, dim: int, wanted: Mapping[bytes, int], most: int) -> Found:
    found: Found = {}
    longest = MOST_WORD + 1 + 4 * dim
    buffer, at, size = b"", 0, 0
    for row in range(1, int(count or 0) + 1):
        if len(found) == len(wanted):
            break
        if len(buffer) - at < longest:
            more = file.read(max(CHUNK, longest))
            size += len(more)
            if size > most:
                raise _too_large(path)
            buffer, at = buffer[at:] + more, 0
        blank = buffer.find(b" ", at, at + MOST_WORD + 1)
        if blank < 0 or blank + 1 + 4 * dim > len(buffer):
            raise BadData(
                f"{path.name} is not a file of word vectors, or ends too early: at word {row:,} of {count:,}."
            )
        number = wanted.get(buffer[at:blank].lstrip(b"\n"))
        at = blank + 1 + 4 * dim
        if number is not None and number not in found:
            found[number] = np.frombuffer(buffer, "<f4", dim, blank + 1).astype(np.float32)
    return found
