"""Asks a model server to encode, classify, forecast, translate and so on: one client for gRPC and REST, no TensorFlow.

    with Client("localhost:8500") as client:                  # or "http://localhost:8501"
        code = client.encode("denoising_autoencoder", images)
        clean = client.denoise("denoising_autoencoder", noisy)

It speaks TensorFlow Serving's API, so that the server may be the real one or ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InvalidArgument
from ..wire import tensor
from .answers import Classification, Detection, Neighbours, Segmentation, strings
from .connection import Connection
from .transports import Array, Arrays


class Client(Connection):
    """A connection to a model server.

    Args:
        target: "host:port" for gRPC, "http://host:port" for REST.
        timeout: the deadline of each call, in seconds.
        transport: carries the requests in place of a connection to `target`.

    Every call raises a `ServingError` where it fails: `NotFound` for an unknown model, `InvalidArgument` for input that
    the model refuses, `DeadlineExceeded`, `Unavailable` where there is no server, and so on.
    """

    def encode(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Codes of images (batch, …), float32, or of a list of PNG or JPEG files as bytes.

        They have the model's own shape: (batch, code_dim), or (batch, height, width, filters) for feature maps.
        """
        return self._one("encode", model, images, version)

    def decode(self, model: str, codes: Any, *, version: int | None = None) -> Array:
        """Images (batch, …), float32, of codes as `encode` gives them."""
        return self._one("decode", model, codes, version)

    def generate(
        self, model: str, codes: Any = None, *, seed: int = 0, count: int = 1, version: int | None = None
    ) -> Array:
        """New images (count, height, width, channels), float32, of a generative model.

        Args:
            model: the model's name.
            codes: (count, code_dim), to be decoded; by default they are drawn from N(0, 1).
            seed: of the draw, 64 bits: the same one gives the same images.
            count: how many to draw, 1 to 1024.
            version: the version; the server's latest by default.
        """
        if codes is not None:
            return self.decode(model, codes, version=version)
        return self._one("generate", model, {"seed": seed, "count": count}, version)

    def colorize(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Colour images (batch, height, width, 3), float32, of grey ones.

        Args:
            model: the model's name.
            images: (batch, height, width, 1), float32, or a list of PNG or JPEG files as bytes, whose colours, if
                they have any, are turned to grey first.
            version: the version; the server's latest by default.
        """
        return self._one("colorize", model, images, version)

    def denoise(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Clean images for noisy ones (batch, …), float32, or for a list of PNG or JPEG files as bytes."""
        return self._one("denoise", model, images, version)

    def reconstruct(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Images encoded and decoded again, (batch, …), float32."""
        return self._one("reconstruct", model, images, version)

    def score(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Reconstruction error (batch,) of images, float32: large for what is unlike the training data."""
        return self._one("score", model, images, version)

    def classify(self, model: str, inputs: Any, *, version: int | None = None) -> Classification:
        """The classes of images or feature vectors (batch, …), float32, or of a list of PNG or JPEG files as bytes.

        Of sequences (batch, time, features), too, or of a list of some of different lengths, (time, features) each.
        """
        return Classification.of(self._named("classify", model, inputs, version))

    def regress(self, model: str, inputs: Any, *, version: int | None = None) -> Array:
        """Predictions (batch, k), float32, for inputs as `classify` takes them."""
        return self._one("regress", model, inputs, version)

    def embed(self, model: str, inputs: Any, *, field: str | None = None, version: int | None = None) -> Array:
        """The features (batch, n), float32, that the model judges inputs by, as `classify` takes them, or texts.

        Of a model of words, the vector of each word; of one of categories, that of each category of a `field`.
        """
        return self._one(f"embed_{field}" if field else "embed", model, inputs, version)

    def nearest(
        self,
        model: str,
        words: Sequence[str] | str,
        count: int = 10,
        *,
        field: str | None = None,
        version: int | None = None,
    ) -> Neighbours:
        """The words, or categories of a `field`, whose vectors are most similar to that of each word given.

        Args:
            model: the model's name.
            words: any number; InvalidArgument for one that the model does not know.
            count: how many for each, 1 to 1024; as many as there are, where they are fewer.
            field: whose categories they are, for a model of categories.
            version: the version; the server's latest by default.
        """
        signature = f"nearest_{field}" if field else "nearest"
        inputs = {field or "word": [words] if isinstance(words, str) else words, "count": count}
        return Neighbours.of(self.predict(model, inputs, signature=signature, version=version))

    def forecast(self, model: str, history: Any, lengths: Any = None, *, version: int | None = None) -> Array:
        """The next steps (batch, horizon, features), float32, of series.

        Args:
            model: the model's name.
            history: (batch, time, features), or a list of series of different lengths, (time, features) each.
            lengths: how many steps of each count (batch,); all by default.
            version: the version; the server's latest by default.
        """
        if lengths is None:
            return self._one("forecast", model, history, version)
        return self._padded("forecast", model, history, lengths, version)["forecast"]

    def classify_text(self, model: str, texts: Sequence[str] | str, *, version: int | None = None) -> Classification:
        """The classes of texts."""
        return Classification.of(self._named("classify_text", model, texts, version))

    def translate(self, model: str, texts: Sequence[str] | str, *, version: int | None = None) -> list[str]:
        """What the model writes for each of texts."""
        return strings(self._one("translate", model, texts, version))

    def pronounce(self, model: str, words: Sequence[str] | str, *, version: int | None = None) -> list[str]:
        """The sounds of each of words, with blanks between them."""
        return strings(self._one("pronounce", model, words, version))

    def caption(self, model: str, images: Any, *, version: int | None = None) -> list[str]:
        """What the model writes about images (batch, …), float32, or a list of PNG or JPEG files as bytes."""
        return strings(self._one("caption", model, images, version))

    def segment(self, model: str, images: Any, *, version: int | None = None) -> Segmentation:
        """What each pixel belongs to, of images (batch, …), float32, or of a list of PNG or JPEG files as bytes."""
        return Segmentation(**self._named("segment", model, images, version))

    def detect(self, model: str, images: Any, *, version: int | None = None) -> list[Detection]:
        """What is where in each of images (batch, …), float32, or of a list of PNG or JPEG files as bytes."""
        return Detection.all_of(self._named("detect", model, images, version))

    def _one(self, signature: str, model: str, value: Any, version: int | None) -> Array:
        """The only output of a signature, called as `_named` does."""
        (output,) = self._named(signature, model, value, version).values()
        return output

    def _named(self, signature: str, model: str, value: Any, version: int | None) -> Arrays:
        """All outputs of a signature.

        Of its form for files, where `value` is a list of bytes; of that for texts, where it is one of strings and the
        model has such a form; of that for padded sequences, where it is one of sequences whose lengths differ.
        """
        if isinstance(value, bytes | str):
            value = [value]
        if _are(value, bytes):
            signature, value = f"{signature}_png", tensor.string_array(value)
        elif _are(value, str):
            form = f"{signature}_text"
            signature = form if form in self._known(model, version) else signature
        elif _are(value, Sequence | np.ndarray) and len({len(each) for each in value}) > 1:
            return self._padded(signature, model, *_stacked(value), version)
        return self.predict(model, value, signature=signature, version=version)

    def _padded(self, signature: str, model: str, values: Any, lengths: Any, version: int | None) -> Arrays:
        """All outputs of a signature's form for padded sequences."""
        signature = f"{signature}_padded"
        (name,) = self._definition(model, signature, version).inputs.keys() - {"length"}
        return self.predict(model, {name: values, "length": lengths}, signature=signature, version=version)


def _are(values: Any, kind: Any) -> bool:
    return isinstance(values, Sequence) and bool(values) and all(isinstance(each, kind) for each in values)


def _stacked(sequences: Sequence[Any]) -> tuple[Array, Array]:
    """Sequences (time, features) as one array, with zeros after the shorter ones, and their lengths."""
    arrays = [np.asarray(each) for each in sequences]
    lengths = np.array([len(each) for each in arrays], np.int32)
    shapes = {each.shape[1:] for each in arrays}
    if len(shapes) > 1:
        raise InvalidArgument(f"Expected sequences that differ in length alone. Received: steps of {sorted(shapes)}")
    stacked = np.zeros((len(arrays), lengths.max(), *shapes.pop()), np.result_type(*arrays))
    for row, each in zip(stacked, arrays, strict=True):
        row[: len(each)] = each
    return stacked, lengths
