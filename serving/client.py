"""Asks a model server to encode, decode, denoise: one client for gRPC and REST, without TensorFlow.

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

from .errors import InvalidArgument, NotFound, Unimplemented
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
        self._signatures: dict[ModelSpec, dict[str, SignatureDef]] = {}

    def encode(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Codes (batch, code_dim) of images (batch, …), float32, or of a list of PNG or JPEG files as bytes."""
        return self._one("encode", model, images, version)

    def decode(self, model: str, codes: Any, *, version: int | None = None) -> Array:
        """Images (batch, …) of codes (batch, code_dim), float32."""
        return self._one("decode", model, codes, version)

    def denoise(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Clean images for noisy ones (batch, …), float32, or for a list of PNG or JPEG files as bytes."""
        return self._one("denoise", model, images, version)

    def reconstruct(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Images encoded and decoded again, (batch, …), float32."""
        return self._one("reconstruct", model, images, version)

    def score(self, model: str, images: Any, *, version: int | None = None) -> Array:
        """Reconstruction error (batch,) of images, float32: large for what is unlike the training data."""
        return self._one("score", model, images, version)

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
        spec = ModelSpec(model, version, signature=signature)
        definition = self.signatures(model, version=version).get(signature)
        if definition is None:
            known = ", ".join(sorted(self.signatures(model, version=version)))
            raise InvalidArgument(f"Expected a signature of {model}: {known}. Received: {signature}")
        if not isinstance(inputs, Mapping):
            if len(definition.inputs) != 1:
                names = ", ".join(sorted(definition.inputs))
                raise InvalidArgument(f"Expected inputs by name for {signature}: {names}. Received: one array")
            inputs = {next(iter(definition.inputs)): inputs}
        return self._transport.predict(spec, {k: _cast(k, v, definition) for k, v in inputs.items()})

    def signatures(self, model: str, *, version: int | None = None) -> dict[str, SignatureDef]:
        """The signatures of a model by name: names, dtypes and shapes of inputs and outputs."""
        spec = ModelSpec(model, version)
        if spec not in self._signatures:
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
        """The only output of a signature; its form for files where `value` is a list of bytes."""
        if isinstance(value, bytes):
            value = [value]
        if isinstance(value, Sequence) and value and all(isinstance(item, bytes) for item in value):
            signature, value = f"{signature}_png", np.array([*value, b""], object)[:-1]
        (output,) = self.predict(model, value, signature=signature, version=version).values()
        return output


def _cast(name: str, value: Any, definition: SignatureDef) -> Array:
    """An input as the array that the signature wants; what makes no sense goes as it is, for the server to refuse."""
    array = np.asarray(value)
    spec = definition.inputs.get(name)
    if spec is None or array.dtype == spec.dtype.numpy:
        return array
    if spec.dtype is dtypes.STRING and array.dtype.kind in "SUT":
        strings = np.empty(array.size, object)
        strings[:] = [tensor.as_bytes(item) for item in array.ravel().tolist()]
        return strings.reshape(array.shape)
    if array.dtype.kind in "iuf" and np.can_cast(array.dtype, spec.dtype.numpy, "same_kind"):
        return array.astype(spec.dtype.numpy)
    return array
