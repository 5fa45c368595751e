"""Training batches of pictures that do not fit into memory: each epoch reads and decodes the files again."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping
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
        sizes: number of pictures of each part, for the run's config.
    """

    def __init__(
        self,
        decoder: Decoder,
        indices: Indices,
        labels: NDArray[np.int64],
        *,
        strict: bool,
        sizes: Mapping[str, int],
    ) -> None:
        self.decoder = decoder
        self.indices = indices
        self.labels = labels
        self.strict = strict
        self.sizes = sizes

    def __len__(self) -> int:
        """Number of training pictures."""
        return len(self.indices)

    def batches(self, batch_size: int, seed: int, pair: Pair) -> PictureBatches:
        """Returns the training batches. `pair` makes the inputs and targets of a batch."""
        return PictureBatches(self, batch_size, seed, pair)

    def details(self) -> dict[str, Any]:
        """Returns the numbers of pictures, and the names of broken pictures, for the run's config."""
        return {**self.sizes, "broken": self.decoder.broken_names()}


class PictureBatches(keras.utils.PyDataset):
    """Batches of pictures in a random order, which depends only on the seed and on the number of the epoch.

    Broken pictures are left out. Other pictures of the epoch take their places, so that all epochs have the same number
    of batches. If a picture is broken and the stream is strict, or if too many pictures are broken, `failure` is set,
    and the last batch is repeated until `WatchPictures` ends the training.

    Args:
        stream: the pictures.
        batch_size: number of pictures in a batch; the last batch of an epoch may be smaller.
        seed: seed of the order and of the random changes.
        pair: makes the inputs and targets of a batch.
    """

    def __init__(self, stream: PictureStream, batch_size: int, seed: int, pair: Pair) -> None:
        super().__init__()
        self.stream = stream
        self.batch_size = batch_size
        self.seed = seed
        self.pair = pair
        self.failure: BadData | None = None
        self.callbacks = [WatchPictures(self)]
        self.decoded: Any = None
        self.iterator: Iterator[Any] = iter(())
        self.position = 0  # of the next batch in `iterator`
        self.last: tuple[Any, Any] | None = None
        self.begin_epoch(0)

    def begin_epoch(self, epoch: int) -> None:
        """Sets the order of the pictures in an epoch. The first epoch has the number 0."""
        self.epoch = epoch
        self.position = -1  # the next batch starts a new iterator

    def __len__(self) -> int:
        return math.ceil(len(self.stream) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index != self.position:
            self._start(index)
        self.position = index + 1
        found = next(self.iterator, None)
        if self.stream.strict and self.stream.decoder.broken:
            self.failure = self.stream.decoder.failure()
        elif found is None:
            self.failure = BadData(f"More than half of the pictures are broken: {self.stream.decoder.broken_text()}.")
        if found is None:
            if self.last is None:
                raise self.failure or BadData("There is no picture.")
            return self.last
        images, keys = (np.asarray(each) for each in found)
        indices = self.stream.decoder.finish(keys)
        most = min(self.batch_size, len(self.stream) - index * self.batch_size)
        rng = np.random.default_rng((self.seed, self.epoch, index + 1))
        self.last = self.pair(images[:most], self.stream.labels[indices[:most]], rng)
        return self.last

    def _start(self, index: int) -> None:
        """Starts a new pass over the pictures at a batch."""
        if self.decoded is None:
            self.decoded = self.stream.decoder.decoded(self._order, self.batch_size).prefetch(PREFETCHED)
        self.first = index * self.batch_size
        self.iterator = iter(self.decoded)

    def _order(self) -> Indices:
        """Returns the indices of this pass. All indices come twice, because a second one replaces a broken picture."""
        shuffled = np.random.default_rng((self.seed, self.epoch)).permutation(self.stream.indices)
        return np.concatenate((shuffled[self.first :], shuffled))


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
