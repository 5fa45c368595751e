"""Training batches of pictures that do not fit into memory: each epoch reads and decodes the files again."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..errors import BadData
from .pictures_stream import Decoder, Images, Indices

log = logging.getLogger(__name__)

# Makes inputs and targets of the images and the labels of a batch.
Pair = Callable[[Images, NDArray[np.int64], np.random.Generator], tuple[Any, Any]]
PREFETCHED = 2  # batches that are decoded in advance


class PictureStream:
    """Pictures that are decoded while a model trains.

    Args:
        decoder: decodes the pictures.
        indices: the training pictures, without the validation split.
        labels: label of each picture of the decoder.
        strict: whether a broken picture is an error.
        facts: for the run's config, such as the number of pictures of each part.
    """

    def __init__(
        self,
        decoder: Decoder,
        indices: Indices,
        labels: NDArray[np.int64],
        *,
        strict: bool,
        facts: Mapping[str, Any],
    ) -> None:
        self.decoder = decoder
        self.indices = indices
        self.labels = labels
        self.strict = strict
        self.facts = facts

    def __len__(self) -> int:
        """Number of training pictures."""
        return len(self.indices)

    @property
    def targets(self) -> NDArray[np.int64]:
        """Labels of the training pictures."""
        return self.labels[self.indices]

    def batches(self, batch_size: int, seed: int, pair: Pair) -> PictureBatches:
        """Returns the training batches. `pair` makes the inputs and targets of a batch."""
        return PictureBatches(self, batch_size, seed, pair)

    def details(self) -> dict[str, Any]:
        """Returns the numbers of pictures, and the names of broken pictures, for the run's config."""
        return {**self.facts, "broken": self.decoder.broken_names()}


class PictureBatches:
    """Batches of pictures in a random order, which depends only on the seed and on the number of the epoch.

    Broken pictures are left out. Other pictures of the epoch take their places, so that all epochs have the same number
    of batches. If a picture is broken and the stream is strict, or if too many pictures are broken, `failure` is set,
    and `WatchPictures` ends the training.

    Args:
        stream: the pictures.
        batch_size: number of pictures in a batch; the last batch of an epoch may be smaller.
        seed: seed of the order and of the random changes.
        pair: makes the inputs and targets of a batch.
    """

    def __init__(self, stream: PictureStream, batch_size: int, seed: int, pair: Pair) -> None:
        self.stream = stream
        self.batch_size = batch_size
        self.seed = seed
        self.pair = pair
        self.epoch = 0

    @property
    def failure(self) -> BadData | None:
        """The error that ends the training, or None."""
        decoder = self.stream.decoder
        if self.stream.strict and decoder.broken:
            return decoder.failure()
        if 2 * len(decoder.broken) > len(self.stream):
            return BadData(f"More than half of the pictures are broken: {decoder.broken_text()}.")
        return None

    def begin_epoch(self, epoch: int) -> None:
        """Sets the order of the pictures in an epoch. The first epoch has the number 0."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(len(self.stream) / self.batch_size)

    def callbacks(self) -> list[keras.callbacks.Callback]:
        """Returns the callbacks that a training on `dataset()` needs."""
        return [WatchPictures(self)]

    def dataset(self) -> Any:
        """Returns a `tf.data.Dataset` of the inputs and targets. Each pass over it is the epoch that was begun last."""
        import tensorflow as tf

        pictures = self.stream.decoder.pictures
        image = np.zeros((1, pictures.height, pictures.width, pictures.channels), np.float32)
        example = self.pair(image, self.stream.labels[:1], np.random.default_rng(0))

        def finished(images: Any, keys: Any) -> tuple[Any, ...]:
            if example[0] is image and example[1] is image:  # no change: the images need not be copied
                count = tf.numpy_function(self._counted, [keys], tf.int64)
                return images[:count], images[:count]
            arrays = tf.numpy_function(self._finished, [images, keys], [each.dtype for each in example])
            return tuple(tf.ensure_shape(x, (None, *each.shape[1:])) for x, each in zip(arrays, example, strict=True))

        dataset = self.stream.decoder.decoded(self._begin, self.batch_size).take(len(self)).map(finished)
        return dataset.apply(tf.data.experimental.assert_cardinality(len(self))).prefetch(PREFETCHED)

    def _begin(self) -> Indices:
        """Returns the indices of this pass. All indices come twice, because a second one replaces a broken picture."""
        shuffled = np.random.default_rng((self.seed, self.epoch)).permutation(self.stream.indices)
        return np.concatenate((shuffled, shuffled))

    def _counted(self, keys: Indices) -> Any:
        """Returns how many images of the next batch are used."""
        number, _ = self.stream.decoder.finish(keys)
        return np.int64(min(len(keys), self.batch_size, len(self.stream) - number * self.batch_size))

    def _finished(self, images: Images, keys: Indices) -> tuple[Any, Any]:
        """Returns the inputs and targets of the next batch."""
        number, indices = self.stream.decoder.finish(keys)
        most = min(self.batch_size, len(self.stream) - number * self.batch_size)
        rng = np.random.default_rng((self.seed, self.epoch, number + 1))
        return self.pair(images[:most], self.stream.labels[indices[:most]], rng)


class WatchPictures(keras.callbacks.Callback):
    """Starts the epochs of `PictureBatches`, reports broken pictures, and ends the training if it has failed."""

    def __init__(self, batches: PictureBatches) -> None:
        super().__init__()
        self.batches = batches
        self.reported = len(batches.stream.decoder.broken)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.batches.begin_epoch(epoch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.batches.failure is not None:
            raise self.batches.failure

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        decoder = self.batches.stream.decoder
        if len(decoder.broken) > self.reported:
            self.reported = len(decoder.broken)
            log.warning("Skipped %s broken pictures: %s", f"{self.reported:,}", decoder.broken_text())
