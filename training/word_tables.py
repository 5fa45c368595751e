"""Pre-trained word vectors: from a file, from a run of word2vec, or from gensim's `KeyedVectors`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from .errors import BadData
from .runs import Run
from .vector_files import check_path, read_file


class WordTable(NamedTuple):
    """Where a model has its vectors of words.

    Attributes:
        role: the vocabulary of the words, see `Dataset.texts`.
        length: the hyperparameter with the length of a vector.
        layers: the name of the `Embedding` layer, after the names of the models that it is in.
    """

    role: str
    length: str
    layers: tuple[str, ...]

    def of(self, model: keras.Model) -> keras.layers.Embedding:
        """Returns the layer in a model."""
        layer: Any = model
        for name in self.layers:
            layer = layer.get_layer(name)
        return layer


@dataclass(frozen=True)
class Vectors:
    """Pre-trained vectors of the words of a vocabulary.

    Attributes:
        name: name of the file, of the run or of the class that they are from.
        words: number of words in the vocabulary.
        ids: the ids of the words that have a vector, int64 `(found,)`.
        values: the vectors, float32 `(found, dim)`.
    """

    name: str
    words: int
    ids: NDArray[np.int64]
    values: NDArray[np.float32]

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.values.shape[1])

    def __str__(self) -> str:
        return f"{len(self.ids):,} of {self.words:,} words have a vector of {self.dim} numbers in {self.name}"

    def record(self) -> dict[str, Any]:
        """Returns what the config of a run says about the vectors."""
        return {"name": self.name, "dim": self.dim, "words": self.words, "found": len(self.ids)}

    def load(self, layer: keras.layers.Embedding) -> None:
        """Sets the vectors in an `Embedding` layer. Other words keep their initial vectors."""
        rows = np.array(keras.ops.convert_to_numpy(layer.embeddings))  # (tokens, dim)
        rows[self.ids] = self.values
        layer.set_weights([rows])


def read_vectors(source: Any, names: Sequence[str]) -> Vectors:
    """Reads the vectors of the words of a vocabulary.

    Args:
        source: the path of a file (see `vector_files.py`), the folder of a run of word2vec, or gensim's `KeyedVectors`.
        names: the words. Their ids begin with 2.

    Raises:
        GalleryError: there are no such vectors, a file is damaged, or no word has a vector.
    """
    check_path(source)
    if isinstance(source, str | Path):
        path = Path(source)
        name, found = path.name, _of_run(path, names) if path.is_dir() else _of_file(path, names)
    else:
        name = type(source).__name__
        found = {number: source[word] for number, word in enumerate(names, 2) if word in source.key_to_index}
    if not found:
        raise BadData(f"No word of the data has a vector in {name}. Words must be equal, with upper and lower case.")
    ids = np.array(sorted(found), np.int64)
    values = np.array([found[number] for number in ids.tolist()], np.float32)
    if not np.isfinite(values).all():
        raise BadData(f"Expected finite numbers in {name}. Received: NaN or infinity.")
    return Vectors(name, len(names), ids, values)


def _of_file(path: Path, names: Sequence[str]) -> dict[int, Any]:
    return read_file(path, {word.encode(): number for number, word in enumerate(names, 2)})


def _of_run(folder: Path, names: Sequence[str]) -> dict[int, Any]:
    run = Run.load(folder)
    words = run.tokens.get("word")
    if words is None:
        raise BadData(f"Expected a run of word2vec. Received a run of {run.config['model']}: {folder}.")
    try:
        layer = run.model.get_layer("embedding")
        rows = np.asarray(keras.ops.convert_to_numpy(layer.embeddings), np.float32)
    except (ValueError, AttributeError):
        raise BadData(f"Expected a run of word2vec. Received a run of {run.config['model']}: {folder}.") from None
    if len(rows) < len(words.names) + 2:
        raise BadData(f"The vectors in {folder} are not those of the words in its tokens.json.")
    known = {word: number for number, word in enumerate(words.names, 2)}
    return {number: rows[known[word]] for number, word in enumerate(names, 2) if word in known}
