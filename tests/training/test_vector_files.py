"""Reads word vectors that gensim and the formats' own rules write, and damaged and malicious files."""

from __future__ import annotations

import gzip
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_gallery.training import vector_files
from keras_gallery.training.errors import BadData
from keras_gallery.training.vector_files import MOST_DIM, read_file

WORDS = ["the", "film", "élan", "good"]
VALUES = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
WANTED = {b"film": 2, "élan".encode(): 3, b"zebra": 4}


def binary(words: list[str], values: Any, header: str = "", end: bytes = b"\n") -> bytes:
    """Returns a file as the program word2vec of Mikolov et al. writes it: each vector ends with a newline."""
    rows = [
        word.encode() + b" " + struct.pack(f"<{len(row)}f", *row) + end for word, row in zip(words, values, strict=True)
    ]
    return (header or f"{len(words)} {len(values[0])}").encode() + b"\n" + b"".join(rows)


def text(words: list[str], values: Any, header: str = "", end: str = "\n") -> bytes:
    return "".join(
        [header, *(f"{word} {' '.join(map(repr, row.tolist()))}{end}" for word, row in zip(words, values, strict=True))]
    ).encode()


GOOD: dict[str, bytes] = {
    "glove.txt": text(WORDS, VALUES),
    "no_last_newline.txt": text(WORDS, VALUES).rstrip(),
    "word2vec.txt": text(WORDS, VALUES, "4 3\n"),
    "original.txt": text(WORDS, VALUES, "4 3\n", " \n"),  # word2vec and fastText write a blank before each newline
    "original.bin": binary(WORDS, VALUES),
    "without_newlines.bin": binary(WORDS, VALUES, end=b""),
    "twice.txt": text([*WORDS, "film"], [*VALUES, VALUES[0]], "5 3\n"),
    "blanks.txt": text(
        ["the", "film at home", *WORDS], [VALUES[0], VALUES[0], *VALUES]
    ),  # as in GloVe's file of 840 billion words
    "packed.bin.gz": gzip.compress(binary(WORDS, VALUES)),
    "packed.txt.gz": gzip.compress(text(WORDS, VALUES)),
}


@pytest.mark.parametrize("name", GOOD)
def test_formats(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(GOOD[name])
    found = read_file(tmp_path / name, WANTED)
    assert found.keys() == {2, 3}
    np.testing.assert_array_equal([found[2], found[3]], VALUES[[1, 2]])
    assert all(row.dtype == np.float32 for row in found.values())


@pytest.mark.models
@pytest.mark.parametrize("options", [{"binary": True}, {"binary": False}, {"write_header": False}], ids=str)
def test_files_of_gensim(options: dict[str, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads what gensim writes. In the binary format, records cross the borders of the pieces that are read."""
    from gensim.models import KeyedVectors

    monkeypatch.setattr(vector_files, "CHUNK", 100)
    words = [f"w{number}" for number in range(200)]
    vectors = KeyedVectors(7)
    vectors.add_vectors(words, np.random.default_rng(1).normal(size=(200, 7)).astype(np.float32))
    vectors.save_word2vec_format(str(tmp_path / "v"), **options)
    found = read_file(tmp_path / "v", {word.encode(): number for number, word in enumerate(words)} | {b"other": 200})
    np.testing.assert_allclose([found[number] for number in range(200)], vectors.vectors, rtol=1e-6)


BAD: dict[str, tuple[bytes, str]] = {
    "gensim.kv": (pickle.dumps({"a": 1}), "gensim.kv is a pickle, .* with gensim's save_word2vec_format"),
    "pickle.bin.gz": (gzip.compress(pickle.dumps({"a": 1})), "is a pickle"),
    "glove.zip": (b"PK\x03\x04...", "glove.zip is an archive. Unpack it"),
    "empty.txt": (b"", "Received: a first line without numbers"),
    "prose.txt": (b"Once upon a time\n", "Expected a word and its numbers in the first line of prose.txt"),
    "many.bin": (binary(WORDS, VALUES, "999999999999 3"), "too small for 999,999,999,999 words of 3 numbers"),
    "many.txt": (text(WORDS, VALUES, "5 3\n"), "names 5 words, but there are 4"),
    "few.txt": (text(WORDS, VALUES, "3 3\n"), "names 3 words, but there are more"),
    "wide.bin": (
        binary(WORDS, VALUES, "4 999999999"),
        "Expected vectors of 1 to 4,096 numbers .* Received: 999,999,999",
    ),
    "wide.txt": (b"a" + b" 1" * (MOST_DIM + 1), "Expected vectors of 1 to 4,096 numbers"),
    "no_width.txt": (b"4 0\n", "Received: 0"),
    "cut.bin": (binary(WORDS, VALUES)[:-12] + b"x" * 9, "ends too early: at word 4 of 4"),
    "long_word.bin": (binary(["w" * 1_100], VALUES[:1]), "at word 1 of 1"),
    "other_length.txt": (text(["a"], VALUES[:1]) + b"film 1 2\n", "Expected a word and 3 numbers for word 2"),
    "not_a_number.txt": (text(["a"], VALUES[:1]) + b"film 1 2 x\n", "Expected a word and 3 numbers for word 2"),
    "infinite.txt": (text(["a"], VALUES[:1]) + b"film 1 2 1e39\n", "Expected a word and 3 numbers for word 2"),
    "bomb.txt.gz": (gzip.compress(b"a 1 2 3\n" * 2_000), "bomb.txt.gz is too large"),
    "bomb.bin.gz": (gzip.compress(binary(["w" * 1_000] * 20, np.zeros((20, 1)))), "bomb.bin.gz is too large"),
    "blank.txt.gz": (gzip.compress(b"1 1\nthe 1\n" + b"\n" * 2_000), "too many lines"),
    "rows.bin": (b"99999999 1\n", "too small for 99,999,999 words"),
    "lines.txt": (b"a 1\n" * 600, "lines.txt is too large"),
    "claims.bin.gz": (gzip.compress(binary(WORDS, VALUES, "9999 3")), "too small for 9,999 words"),
    "cut.txt.gz": (gzip.compress(text(WORDS, VALUES))[:-9], "Cannot read"),
    "plain.txt.gz": (text(WORDS, VALUES), "Cannot read"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_files, "MOST_BYTES", 15_000)
    monkeypatch.setattr(vector_files, "MOST_WORDS", 500)
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadData, match=message) as caught:
        read_file(tmp_path / name, WANTED)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "missing", Path("/dev/zero")):
        with pytest.raises(BadData, match="Expected vectors to be a file, or the folder of a run"):
            read_file(path, WANTED)
    (tmp_path / "large.txt").write_bytes(GOOD["glove.txt"])
    monkeypatch.setattr(vector_files, "MOST_BYTES", 100)
    with pytest.raises(BadData, match="large.txt is too large"):
        read_file(tmp_path / "large.txt", WANTED)


def test_reading_ends_with_the_last_word(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(text(["film"], VALUES[:1], "2 3\n") + b"zebra 1 2 3\n" + b"film x\n")
    assert read_file(tmp_path / "v.txt", {b"film": 5}).keys() == {5}


def test_only_wanted_rows_are_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    monkeypatch.setattr(vector_files, "CHUNK", 2**14)
    words = [f"w{number}" for number in range(5_000)]
    (tmp_path / "v.bin").write_bytes(binary(words, np.zeros((5_000, 50), np.float32)))
    tracemalloc.start()
    try:
        assert read_file(tmp_path / "v.bin", {b"w3": 3, b"w4999": 4, b"none": 5}).keys() == {3, 4}
        assert tracemalloc.get_traced_memory()[1] < 2**17 < (tmp_path / "v.bin").stat().st_size / 7
    finally:
        tracemalloc.stop()
