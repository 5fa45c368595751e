"""A client for model servers over gRPC or REST, with a method for each task. The client does not need TensorFlow.

    with Client("localhost:8500") as client:                  # or "http://localhost:8501"
        code = client.encode("denoising_autoencoder", images)
        clean = client.denoise("denoising_autoencoder", noisy)

The client uses TensorFlow Serving's API, so it works with TensorFlow Serving and with Keras Gallery's own server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import FailedPrecondition
from ..wire import tensor
from .answers import Anomalies, Classification, Detection, GeneratedTexts, Neighbours, Segmentation, Tags, strings
from .connection import Connection
from .rows import columns_of, rows_of
from .sequences import are, stacked
from .transports import Array, Arrays

STATE = "state_"  # start of the names of states


class Client(Connection):
    """A connection to a model server.

    Args:
        target: "host:port" for gRPC, "http://host:port" for REST.
        timeout: the timeout of each call, in seconds.
        token: the token that the server requires (`--auth_tokens_file`). It is encrypted only with "https://host:port".
        transport: an object that sends the requests. By default the client connects to `target`.

    A failed call raises a subclass of `ServingError`, for example `NotFound` for an unknown model, `InvalidArgument`
    for input that the model does not accept, `DeadlineExceeded` after the timeout, or `Unavailable` if there is no
    server.
    """

    def encode(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Encodes images (batch, …), float32, or a list of PNG or JPEG files as bytes.

        Returns codes of shape (batch, code_dim), or (batch, height, width, filters) if the codes are feature maps.
        """
        return self._one("encode", model, images, version)

    def decode(self, model: str, codes: Any, *, version: int | None = None) -> Array:
        """Decodes codes from `encode` to images (batch, …), float32."""
        return self._one("decode", model, codes, version)

    def generate(
        self, model: str, codes: Any = None, *, seed: int = 0, count: int = 1, version: int | None = None
    ) -> Array:
        """Generates images (count, height, width, channels), float32, with a generative model.

        Args:
            model: the model's name.
            codes: the codes to decode, (count, code_dim). By default the server draws codes from N(0, 1).
            seed: the random seed for drawing codes, 64 bits. The same seed gives the same images.
            count: the number of codes to draw, 1 to 1024.
            version: the version. By default the latest version on the server.
        """
        if codes is not None:
            return self.decode(model, codes, version=version)
        return self._one("generate", model, {"seed": seed, "count": count}, version)

    def colorize(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Colorizes greyscale images. Returns images (batch, height, width, 3), float32.

        Args:
            model: the model's name.
            images: (batch, height, width, 1), float32, or a list of PNG or JPEG files as bytes. Colour files are
                converted to greyscale first.
            version: the version. By default the latest version on the server.
        """
        return self._one("colorize", model, images, version)

    def denoise(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Removes the noise from images (batch, …), float32, or from a list of PNG or JPEG files as bytes."""
        return self._one("denoise", model, images, version)

    def reconstruct(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Encodes and then decodes images (batch, …), float32. Returns images of the same shape."""
        return self._one("reconstruct", model, images, version)

    def score(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Returns the reconstruction error (batch,), float32, which is large for images unlike the training data."""
        return self._named("score", model, images, version)["score"]

    def find_anomalies(self, model: str, images: Any, *, version: int | None = None) -> Anomalies:
        """Returns the scores of images, and which scores are above the threshold that was chosen after the training.

        Raises FailedPrecondition if the model was exported without a threshold.
        """
        found = self._named("score", model, images, version)
        if "anomaly" not in found:
            raise FailedPrecondition(f"{model} was exported without a threshold for its scores. Use `score`.")
        return Anomalies(found["score"], found["anomaly"])

    def classify(self, model: str, inputs: Any, *, version: int | None = None) -> Classification:
        """Classifies images, feature vectors, sequences or rows of a table.

        Args:
            model: the model's name.
            inputs: images or feature vectors (batch, …), float32; a list of PNG or JPEG files as bytes; sequences
                (batch, time, features); a list of sequences of different lengths, (time, features) each; or rows of a
                table: a dict of columns, a list of dicts, or a pandas DataFrame. Columns that the model does not know
                are ignored.
            version: the version. By default the latest version on the server.
        """
        return Classification.of(self._named("classify", model, inputs, version))

    def regress(self, model: str, inputs: Any, *, version: int | None = None) -> Array:
        """Returns the predictions (batch, k), float32. `classify` describes the possible inputs."""
        return self._one("regress", model, inputs, version)

    def embed(self, model: str, inputs: Any, *, field: str | None = None, version: int | None = None) -> Array:
        """Returns the feature vectors (batch, n), float32, of texts or of the inputs that `classify` describes.

        A model of word vectors returns the vector of each word. A model of categories returns the vector of each
        category in a `field`.
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
        """Finds the words, or the categories of a `field`, whose vectors are most similar to the vectors of `words`.

        Args:
            model: the model's name.
            words: the words. An unknown word raises InvalidArgument.
            count: the number of neighbours of each word, 1 to 1024. A model with fewer words returns all words.
            field: the field of the categories, for a model of categories.
            version: the version. By default the latest version on the server.
        """
        signature = f"nearest_{field}" if field else "nearest"
        inputs = {field or "word": [words] if isinstance(words, str) else words, "count": count}
        return Neighbours.of(self.predict(model, inputs, signature=signature, version=version))

    def analogy(
        self,
        model: str,
        a: Sequence[str] | str,
        b: Sequence[str] | str,
        c: Sequence[str] | str,
        count: int = 10,
        *,
        version: int | None = None,
    ) -> Neighbours:
        """Completes "a is to b as c is to …", such as "man is to king as woman is to …".

        The answers are the words whose vectors are most similar to the vector b − a + c, without the words themselves.

        Args:
            model: the model's name.
            a: the first words. An unknown word raises InvalidArgument.
            b: the second words, as many as `a`.
            c: the third words, as many as `a`.
            count: the number of answers, 1 to 1024. A model with fewer words returns all words.
            version: the version. By default the latest version on the server.
        """
        inputs: dict[str, Any] = {
            name: [words] if isinstance(words, str) else words for name, words in zip("abc", (a, b, c), strict=True)
        }
        inputs["count"] = count
        return Neighbours.of(self.predict(model, inputs, signature="analogy", version=version))

    def forecast(self, model: str, history: Any, lengths: Any = None, *, version: int | None = None) -> Array:
        """Forecasts the next steps (batch, horizon, features), float32, of series.

        Args:
            model: the model's name.
            history: (batch, time, features), or a list of series of different lengths, (time, features) each.
            lengths: the number of steps of each series (batch,). By default all steps.
            version: the version. By default the latest version on the server.
        """
        if lengths is None:
            return self._one("forecast", model, history, version)
        return self._padded("forecast", model, history, lengths, version)["forecast"]

    def classify_text(self, model: str, texts: Sequence[str] | str, *, version: int | None = None) -> Classification:
        """Classifies texts."""
        return Classification.of(self._named("classify_text", model, texts, version))

    def tag(self, model: str, texts: Any, *, version: int | None = None) -> list[Tags]:
        """Finds the tag of each token of texts, or of ids (batch, time), int32, padded with 0 on the right."""
        return Tags.all_of(self._named("tag", model, texts, version))

    def step(
        self, model: str, inputs: Any, state: Arrays | None = None, *, version: int | None = None
    ) -> tuple[Arrays, Arrays]:
        """Answers the next step of sequences, from the states after the step before. The server keeps no state.

        Args:
            model: the model's name.
            inputs: one step of each sequence: texts of one token, ids (batch,), or values (batch, features).
            state: the states that the call for the step before returned. By default, the sequences begin.
            version: the version. By default the latest version on the server.

        Returns:
            The outputs by name: for a tagger `label`, `score` and `probabilities`, for a forecaster `forecast`. And the
            states by name, for the next call.
        """
        signature = "step_text" if are(inputs, str) else "step"
        specs = dict(self._definition(model, signature, version).inputs)
        (name,) = (each for each in specs if not each.startswith(STATE))
        states = {each: spec for each, spec in specs.items() if each != name}
        if state is None:
            state = {each: np.zeros((len(inputs), (spec.shape or ())[-1]), np.float32) for each, spec in states.items()}
        outputs = self.predict(model, {name: inputs, **state}, signature=signature, version=version)
        return {k: v for k, v in outputs.items() if k not in states}, {k: outputs[k] for k in states}

    def translate(
        self, model: str, texts: Sequence[str] | str, *, beam: int | None = None, version: int | None = None
    ) -> list[str]:
        """Translates texts. Returns the translation of each text.

        Args:
            model: the model's name.
            texts: the texts.
            beam: the number of texts that a beam search keeps at each step, 1 to 16. By default, the model writes the
                most probable token at each step. `generate_texts` also returns the other texts and the scores.
            version: the version. By default the latest version on the server.
        """
        return self._texts("translate", model, texts, beam, version)

    def pronounce(
        self, model: str, words: Sequence[str] | str, *, beam: int | None = None, version: int | None = None
    ) -> list[str]:
        """Returns the pronunciation of each word, as phonemes separated by spaces. `translate` describes `beam`."""
        return self._texts("pronounce", model, words, beam, version)

    def caption(self, model: str, images: Any, *, beam: int | None = None, version: int | None = None) -> list[str]:
        """Returns a caption of each image, for images (batch, …), float32, or a list of PNG or JPEG files as bytes.

        `translate` describes `beam`.
        """
        return self._texts("caption", model, images, beam, version)

    def generate_texts(
        self, model: str, inputs: Any, beam: int = 4, *, task: str = "translate", version: int | None = None
    ) -> GeneratedTexts:
        """Generates several texts for each input by beam search.

        Args:
            model: the model's name.
            inputs: the inputs of `task`.
            beam: the number of texts for each input, 1 to 16.
            task: "translate", "pronounce" or "caption".
            version: the version. By default the latest version on the server.
        """
        signature = f"{task}_beam"
        value: Any = [inputs] if isinstance(inputs, bytes | str) else inputs
        if are(value, bytes):
            signature, value = f"{signature}_png", tensor.string_array(value)
        (name,) = self._definition(model, signature, version).inputs.keys() - {"beam"}
        return GeneratedTexts.of(self.predict(model, {name: value, "beam": beam}, signature=signature, version=version))

    def segment(self, model: str, images: Any, *, version: int | None = None) -> Segmentation:
        """Finds the class of each pixel of images (batch, …), float32, or of a list of PNG or JPEG files as bytes."""
        return Segmentation(**self._named("segment", model, images, version))

    def detect(self, model: str, images: Any, *, version: int | None = None) -> list[Detection]:
        """Finds objects in images (batch, …), float32, or in a list of PNG or JPEG files as bytes."""
        return Detection.all_of(self._named("detect", model, images, version))

    def _texts(self, task: str, model: str, value: Any, beam: int | None, version: int | None) -> list[str]:
        """Returns the best text for each input."""
        if beam is None:
            return strings(self._one(task, model, value, version))
        return [each[0] for each in self.generate_texts(model, value, beam, task=task, version=version).texts]

    def _one(self, signature: str, model: str, value: Any, version: int | None) -> Array:
        """Calls a signature with one output by `_named`. Returns the output."""
        (output,) = self._named(signature, model, value, version).values()
        return output

    def _named(self, signature: str, model: str, value: Any, version: int | None) -> Arrays:
        """Calls a signature and returns all outputs by name.

        For a list of bytes, calls the variant of the signature for image files. For a list of strings, calls the
        variant for texts if the model has this variant. For a list of sequences of different lengths, calls the variant
        for padded sequences. For columns or rows of a table, calls the variant for rows if the model has this variant.
        """
        columns = columns_of(value)
        if columns is not None:
            form = f"{signature}_rows"
            if form not in self._known(model, version):
                return self.predict(model, columns, signature=signature, version=version)
            rows = rows_of(columns, self._definition(model, form, version))
            return self.predict(model, rows, signature=form, version=version)
        if isinstance(value, bytes | str):
            value = [value]
        if are(value, bytes):
            signature, value = f"{signature}_png", tensor.string_array(value)
        elif are(value, str):
            form = f"{signature}_text"
            signature = form if form in self._known(model, version) else signature
        elif are(value, Sequence | np.ndarray) and len({len(each) for each in value}) > 1:
            return self._padded(signature, model, *stacked(value), version)
        return self.predict(model, value, signature=signature, version=version)

    def _padded(self, signature: str, model: str, values: Any, lengths: Any, version: int | None) -> Arrays:
        """Calls the variant of a signature for padded sequences, and returns all outputs."""
        signature = f"{signature}_padded"
        (name,) = self._definition(model, signature, version).inputs.keys() - {"length"}
        return self.predict(model, {name: values, "length": lengths}, signature=signature, version=version)
