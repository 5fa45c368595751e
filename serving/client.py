"""Asks a model server to encode, denoise, classify, detect and so on: one client for gRPC and REST, without TensorFlow.

    with Client("localhost:8500") as client:                  # or "http://localhost:8501"
        code = client.encode("denoising_autoencoder", images)
        clean = client.denoise("denoising_autoencoder", noisy)

It speaks TensorFlow Serving's API, so that the server may be the real one or ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np

from .answers import Classification, Detection, Segmentation
from .errors import FailedPrecondition, InvalidArgument, NotFound, Unimplemented
from .saved_model import DEFAULT_SIGNATURE, SignatureDef
from .transports import Array, Arrays, GrpcTransport, RestTransport, Transport
from .wire import dtypes, tensor
from .wire.predict import ModelSpec


class Client:
    """A connection to a model server.

    Args:
        target: "host:port" for gRPC, "http://host:port" for REST.
        timeout: the deadline of each call, in seconds.
        transport: carries the requests in place of a connection to `target`.

    Every call raises a `ServingError` where it fails: `NotFound` for an unknown model, `InvalidArgument` for input that
    the model refuses, `DeadlineExceeded`, `Unavailable` where there is no server, and so on.
    """

    def __init__(self, target: str, *, timeout: float = 30.0, transport: Transport | None = None) -> None:
        if timeout <= 0:
            raise InvalidArgument(f"Expected a timeout above 0 seconds. Received: {timeout}")
        self._transport: Transport
        if transport is not None:
            self._transport = transport
        elif target.startswith(("http://", "https://")):
            self._transport = RestTransport(target, timeout)
        else:
            self._transport = GrpcTransport(target, timeout)
        self._signatures: dict[ModelSpec, dict[str, SignatureDef]] = {}  # as last heard

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
        """The classes of images or feature vectors (batch, …), float32, or of a list of PNG or JPEG files as bytes."""
        return Classification.of(self._named("classify", model, inputs, version))

    def regress(self, model: str, inputs: Any, *, version: int | None = None) -> Array:
        """Predictions (batch, k), float32, for inputs as `classify` takes them."""
        return self._one("regress", model, inputs, version)

    def embed(self, model: str, inputs: Any, *, version: int | None = None) -> Array:
        """The features (batch, n), float32, that the model judges inputs by, as `classify` takes them."""
        return self._one("embed", model, inputs, version)

    def segment(self, model: str, images: Any, *, version: int | None = None) -> Segmentation:
        """What each pixel belongs to, of images (batch, …), float32, or of a list of PNG or JPEG files as bytes."""
        return Segmentation(**self._named("segment", model, images, version))

    def detect(self, model: str, images: Any, *, version: int | None = None) -> list[Detection]:
        """What is where in each of images (batch, …), float32, or of a list of PNG or JPEG files as bytes."""
        return Detection.all_of(self._named("detect", model, images, version))

    def predict(
        self,
        model: str,
        inputs: Mapping[str, Any] | Any,
        *,
        signature: str = DEFAULT_SIGNATURE,
        version: int | None = None,
    ) -> Arrays:
        """Runs any signature.

        Args:
            model: the model's name.
            inputs: arrays by input name, or one array for a signature with one input. They are cast to the dtypes
                that the signature declares where nothing but precision is lost.
            signature: the signature's name.
            version: the version; the server's latest by default.

        Returns:
            Arrays by output name; strings as object arrays of bytes.
        """
        spec = ModelSpec(model, version)
        if signature not in self._signatures.get(spec, {}):
            self.signatures(model, version=version)
        definition = self._signatures[spec].get(signature)
        if definition is None:
            known = ", ".join(sorted(self._signatures[spec]))
            raise InvalidArgument(f"Expected a signature of {model}: {known}. Received: {signature}")
        try:
            return self._ask(spec, definition, inputs)
        except (FailedPrecondition, InvalidArgument):
            # A version that came since may have other inputs and outputs.
            fresh = self.signatures(model, version=version).get(signature)
            if fresh is None or fresh == definition:
                raise
            return self._ask(spec, fresh, inputs)

    def signatures(self, model: str, *, version: int | None = None) -> dict[str, SignatureDef]:
        """The signatures of a model by name: names, dtypes and shapes of inputs and outputs."""
        spec = ModelSpec(model, version)
        self._signatures[spec] = self._transport.signatures(spec)
        return self._signatures[spec]

    def models(self) -> list[str]:
        """The names of all models that the embedded server has. Raises Unimplemented for any other server."""
        try:
            return self._transport.models()
        except (NotFound, Unimplemented):
            raise Unimplemented(
                "Expected the embedded server: TensorFlow Serving can't list its models. Received: another server"
            ) from None

    def status(self, model: str, *, version: int | None = None) -> dict[int, str]:
        """The state of each version of a model, such as {2: "AVAILABLE", 1: "END"}, highest first."""
        return self._transport.status(ModelSpec(model, version))

    def close(self) -> None:
        """Ends the connection."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _one(self, signature: str, model: str, value: Any, version: int | None) -> Array:
        """The only output of a signature, called as `_named` does."""
        (output,) = self._named(signature, model, value, version).values()
        return output

    def _named(self, signature: str, model: str, value: Any, version: int | None) -> Arrays:
        """All outputs of a signature; of its form for files where `value` is a list of bytes."""
        if isinstance(value, bytes):
            value = [value]
        if isinstance(value, Sequence) and value and all(isinstance(item, bytes) for item in value):
            signature, value = f"{signature}_png", tensor.string_array(value)
        return self.predict(model, value, signature=signature, version=version)

    def _ask(self, spec: ModelSpec, definition: SignatureDef, inputs: Any) -> Arrays:
        if not isinstance(inputs, Mapping):
            if len(definition.inputs) != 1:
                names = ", ".join(sorted(definition.inputs))
                raise InvalidArgument(f"Expected inputs by name for {definition.name}: {names}. Received: one array")
            inputs = {next(iter(definition.inputs)): inputs}
        arrays = {name: _cast(name, value, definition) for name, value in inputs.items()}
        return self._transport.predict(spec, definition, arrays)


def _cast(name: str, value: Any, definition: SignatureDef) -> Array:
    """An input as the array that the signature wants; what makes no sense goes as it is, for the server to refuse."""
    array = np.asarray(value)
    spec = definition.inputs.get(name)
    if spec is None or array.dtype == spec.dtype.numpy:
        return array
    if spec.dtype is dtypes.STRING and array.dtype.kind in "SUT":
        return tensor.string_array([tensor.as_bytes(item) for item in array.ravel().tolist()]).reshape(array.shape)
    if array.dtype.kind in "iuf" and np.can_cast(array.dtype, spec.dtype.numpy, "same_kind"):
        cast = array.astype(spec.dtype.numpy)
        if cast.dtype.kind in "iu" and (cast != array).any():
            raise InvalidArgument(f"Expected {name} to fit into {spec.dtype.name}. Received: {array[cast != array][0]}")
        return cast
    return array
