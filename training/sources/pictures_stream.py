"""Decodes the pictures of a folder in parallel, as batches that are made while a model trains."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...preparation.description import Pictures
from ...preparation.images import prepare_image
from ...preparation.pillow_images import BadPicture
from ..errors import BadData
from .pictures_files import Shape, read_file, reason, reason_of
from .pictures_folder import shown
from .pictures_resize import MOST_PLAIN_BYTES, cut, resized

Images = NDArray[np.float32]
Indices = NDArray[np.int64]

CHUNK = 32  # largest number of files that one call reads
CHUNK_BYTES = 8 << 20  # approximate size of the files that one call reads
SHOWN = 5  # names in a message
PASS_BITS = 40  # a key of a picture: the number of the pass, and then this number of bits for the index


class Decoder:
    """Decodes pictures to images, in parallel and in a given order.

    A picture that cannot be decoded is left out. `broken` has the reason.

    Args:
        paths: full path of each picture.
        pictures: size and kind of the images.
        plain: shape of most of the pictures, if the pictures have the same shape. Such pictures are decoded faster.
        file_bytes: typical length of a file.

    Attributes:
        broken: index and reason of each picture that could not be decoded.
    """

    def __init__(
        self, paths: Sequence[bytes], pictures: Pictures, plain: Shape | None = None, file_bytes: int = 1 << 16
    ) -> None:
        self.paths = paths
        self.pictures = pictures
        is_small = plain is not None and plain.height * plain.width * plain.channels <= MOST_PLAIN_BYTES
        self.plain = plain if is_small else None
        self.chunk = int(np.clip(CHUNK_BYTES // max(file_bytes, 1), 1, CHUNK))
        self.broken: dict[int, str] = {}
        self._number = 0  # of the last pass
        self._passes: dict[int, _Pass] = {}  # the last two: batches of the pass before may still come
        self._lock = threading.Lock()

    def decoded(self, order: Callable[[], Indices], batch_size: int) -> Any:
        """Returns a `tf.data.Dataset` of batches of images, and of the keys of the pictures (see `finish`).

        Args:
            order: called at the start of each pass. Returns the indices of the pictures.
            batch_size: number of images in a batch.
        """
        import tensorflow as tf

        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

        def chunks() -> Iterator[Indices]:
            indices = order()
            keys = self._begin(indices)
            for start in range(0, len(indices), self.chunk):
                yield keys[start : start + self.chunk]

        def read(keys: Any) -> Any:
            files = tf.numpy_function(self._read, [keys], [tf.string, tf.string, tf.int64])
            return [tf.ensure_shape(each, (None,)) for each in files]

        dataset = tf.data.Dataset.from_generator(chunks, output_signature=tf.TensorSpec((None,), tf.int64))
        dataset = dataset.map(read, num_parallel_calls=threads, deterministic=True).unbatch()
        # More calls than threads, so that decoding goes on while a batch is put together.
        if self.plain is None:
            dataset = dataset.map(self._image, num_parallel_calls=CHUNK, deterministic=True)
            dataset = dataset.ignore_errors().batch(batch_size)
        else:
            dataset = dataset.map(self._part, num_parallel_calls=4 * CHUNK, deterministic=True)
            dataset = dataset.ignore_errors().batch(min(batch_size, CHUNK))
            dataset = dataset.map(self._batch, num_parallel_calls=threads, deterministic=True)
            if batch_size > CHUNK:
                dataset = dataset.rebatch(batch_size)
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads + 1
        options.autotune.enabled = False
        return dataset.with_options(options)

    def finish(self, keys: NDArray[np.int64]) -> tuple[int, Indices]:
        """Returns the number of this batch in its pass, and the indices of its pictures.

        Notes the pictures that are missing before them.
        """
        indices = np.asarray(keys & ((1 << PASS_BITS) - 1))
        with self._lock:
            current = self._passes.get(int(keys[0] >> PASS_BITS))
            if current is None:  # two newer passes have begun
                return 0, indices
            missing, number = current.advance(indices), current.batches
            current.batches += 1
        self._note(missing)
        return number, indices

    def end(self) -> None:
        """Notes the pictures that are missing at the end of the pass."""
        with self._lock:
            missing = self._passes[self._number].rest() if self._passes else []
        self._note(missing)

    def load(self, indices: Indices) -> tuple[Images, Indices]:
        """Decodes pictures to an array. Returns the images, and the indices of the pictures without broken ones."""
        shape = (self.pictures.height, self.pictures.width, self.pictures.channels)
        images, kept, count = np.empty((len(indices), *shape), np.float32), [], 0
        for batch, keys in self.decoded(lambda: indices, 4 * CHUNK).prefetch(1):
            _, found = self.finish(keys.numpy())
            images[count : count + len(found)] = batch.numpy()
            kept.append(found)
            count += len(found)
        self.end()
        return images[:count], np.concatenate([np.empty(0, np.int64), *kept])

    def name(self, index: int) -> str:
        """Returns the name of a picture for messages: its path below the folder that contains all pictures."""
        return shown(os.path.relpath(self.paths[index], self._top))

    def broken_text(self) -> str:
        """Returns the names and reasons of the first broken pictures, such as `a.jpg (the file is empty)`."""
        first = [f"{self.name(index)} ({self.broken[index]})" for index in sorted(self.broken)[:SHOWN]]
        more = len(self.broken) - len(first)
        return "; ".join(first) + (f"; and {more:,} more" if more else "")

    @cached_property
    def _top(self) -> bytes:
        return os.path.commonpath([os.path.dirname(path) for path in self.paths])

    def broken_names(self) -> dict[str, str]:
        """Returns the reason of each broken picture by its name."""
        return {self.name(index): self.broken[index] for index in sorted(self.broken)}

    def check_strict(self) -> None:
        """Raises BadData if a picture is broken."""
        if self.broken:
            raise self.failure()

    def failure(self) -> BadData:
        """Returns the error that names the broken pictures."""
        return BadData(f"Broken pictures: {self.broken_text()}. Without --strict, they are skipped.")

    def _begin(self, indices: Indices) -> NDArray[np.int64]:
        with self._lock:
            self._number += 1
            last = self._passes.get(self._number - 1)
            self._passes = {self._number: _Pass(indices), **({} if last is None else {self._number - 1: last})}
            return np.asarray((self._number << PASS_BITS) + indices)

    def _note(self, missing: Sequence[int]) -> None:
        for index in missing:
            if index not in self.broken:
                self.broken[index] = reason(self.paths[index])

    def _read(self, keys: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
        """Reads files, and leaves out broken files.

        Returns:
            The contents, the finished images as bytes, and the keys. If pictures are decoded in batches, only pictures
            of another shape or kind have an image here, and their content is a black picture of the usual shape.
        """
        contents, images, kept = [], [], []
        for key in keys:
            index = int(key) & ((1 << PASS_BITS) - 1)
            try:
                content, shape = read_file(self.paths[index])
                is_other = self.plain is not None and shape != self.plain
                images.append(self._finished(content) if is_other else b"")
            except BadPicture as error:
                self.broken.setdefault(index, str(error))
                continue
            contents.append(self._black if is_other else content)
            kept.append(key)
        return np.array(contents, object), np.array(images, object), np.array(kept, np.int64)

    @cached_property
    def _black(self) -> bytes:
        """A black picture of the usual shape, as a PNG file."""
        import tensorflow as tf

        return bytes(tf.io.encode_png(tf.zeros(self.plain, tf.uint8)).numpy())

    @cached_property
    def _prepare(self) -> Any:
        import tensorflow as tf

        return tf.function(
            lambda content: prepare_image(content, self.pictures), input_signature=[tf.TensorSpec((), tf.string)]
        )

    def _finished(self, content: bytes) -> bytes:
        """Returns the image of a single picture as bytes. Raises BadPicture if TensorFlow cannot decode the picture."""
        import tensorflow as tf

        try:
            return bytes(self._prepare(tf.constant(content)).numpy().tobytes())
        except tf.errors.InvalidArgumentError:
            raise BadPicture(reason_of(content)) from None

    def _image(self, content: Any, image: Any, key: Any) -> tuple[Any, Any]:
        return prepare_image(content, self.pictures), key

    def _part(self, content: Any, image: Any, key: Any) -> tuple[Any, Any, Any]:
        """Returns the used part of a picture of the usual shape."""
        import tensorflow as tf

        assert self.plain is not None
        top, left, rows, columns = cut(self.plain, self.pictures)
        # This operation also decodes PNG files. `decode_image` has no `dct_method`, and returns other pixels.
        picture = tf.io.decode_jpeg(content, channels=self.plain.channels, dct_method="INTEGER_ACCURATE")
        part = picture[top : top + rows, left : left + columns]
        return tf.ensure_shape(part, (rows, columns, self.plain.channels)), image, key

    def _batch(self, parts: Any, others: Any, keys: Any) -> tuple[Any, Any]:
        """Converts the parts of pictures to images, and puts the finished images in their places."""
        import tensorflow as tf

        assert self.plain is not None
        images = resized(parts, self.plain, self.pictures)
        places = tf.where(tf.strings.length(others) > 0)

        def replaced() -> Any:
            found = tf.reshape(tf.io.decode_raw(tf.gather_nd(others, places), tf.float32), (-1, *images.shape[1:]))
            return tf.tensor_scatter_nd_update(images, places, found)

        return tf.cond(tf.size(places) > 0, replaced, lambda: images), keys


class _Pass:
    """One pass over pictures: which of them have come so far."""

    def __init__(self, order: Indices) -> None:
        self.order = order
        self.position = 0
        self.batches = 0

    def advance(self, indices: Indices) -> list[int]:
        """Moves on behind these pictures, and returns the pictures before them that did not come."""
        end = self.position + len(indices)
        if np.array_equal(self.order[self.position : end], indices):  # the usual case
            self.position = end
            return []
        missing = []
        for index in indices:
            while self.order[self.position] != index:
                missing.append(int(self.order[self.position]))
                self.position += 1
            self.position += 1
        return missing

    def rest(self) -> list[int]:
        return [int(index) for index in self.order[self.position :]]
