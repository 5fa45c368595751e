"""A connection to a model server that can call any signature. `client.py` adds a method for each task."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np

from ..errors import FailedPrecondition, InvalidArgument, NotFound, Unimplemented
from ..wire import dtypes, tensor
from ..wire.predict import ModelSpec
from ..wire.signature import DEFAULT_SIGNATURE, SignatureDef
from .transports import Array, Arrays, GrpcTransport, RestTransport, Transport
from .values import check_values

TOKEN = re.compile("[A-Za-z0-9._~+/=-]+")  # the characters of RFC 6750


class Connection:
    """A connection to a model server. See `client.Client`."""

    def __init__(
        self, target: str, *, timeout: float = 30.0, token: str | None = None, transport: Transport | None = None
    ) -> None:
        if token is not None and not TOKEN.fullmatch(token):
            raise InvalidArgument("Expected a token of letters, digits and the characters -._~+/=, without spaces.")
        if timeout <= 0:
            raise InvalidArgument(f"Expected a timeout above 0 seconds. Received: {timeout}")
        self._transport: Transport
        if transport is not None:
            self._transport = transport
        elif target.startswith(("http://", "https://")):
            self._transport = RestTransport(target, timeout, token)
        else:
            self._transport = GrpcTransport(target, timeout, token=token)
        self._signatures: dict[ModelSpec, dict[str, SignatureDef]] = {}  # the signatures received last

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
            inputs: arrays by input name, or one array for a signature with one input. Integers are cast to the
                signature's integer, float or complex dtype, but signed integers are not cast to unsigned integers.
                Floats, except bfloat16, are cast to the signature's float or complex dtype, which may lose precision.
                Strings are encoded as UTF-8. Other arrays are sent unchanged. If a model also has signatures for image
                files, its images have values in the range that the signature states (`TensorSpec.pixels`), by default
                [0, 1]. Images that are probably 8-bit pixels are refused if the range is smaller. For other values
                outside the range of the training examples, there is a warning.
            signature: the signature's name.
            version: the version. By default the latest version on the server.

        Returns:
            Arrays by output name. Strings are object arrays of bytes.
        """
        spec = ModelSpec(model, version)
        definition = self._definition(model, signature, version)
        try:
            return self._ask(spec, definition, inputs)
        except (FailedPrecondition, InvalidArgument):
            # The server may have loaded a new version, with other inputs and outputs.
            fresh = self.signatures(model, version=version).get(signature)
            if fresh is None or fresh == definition:
                raise
            return self._ask(spec, fresh, inputs)

    def signatures(self, model: str, *, version: int | None = None) -> dict[str, SignatureDef]:
        """Returns the signatures of a model by name, with the names, dtypes and shapes of inputs and outputs."""
        spec = ModelSpec(model, version)
        self._signatures[spec] = self._transport.signatures(spec)
        return self._signatures[spec]

    def remember(self, model: str, signatures: Mapping[str, SignatureDef], *, version: int | None = None) -> None:
        """Uses signatures that another client has received, so that this client does not fetch them."""
        self._signatures[ModelSpec(model, version)] = dict(signatures)

    def models(self) -> list[str]:
        """Returns the names of all models. Raises Unimplemented if the server is not Keras Gallery's own server."""
        try:
            return self._transport.models()
        except (NotFound, Unimplemented):
            raise Unimplemented(
                "This server cannot list its models. Only Keras Gallery's own server can list them."
            ) from None

    def status(self, model: str, *, version: int | None = None) -> dict[int, str]:
        """Returns the state of each version of a model, such as {2: "AVAILABLE", 1: "END"}, in descending order."""
        return self._transport.status(ModelSpec(model, version))

    def close(self) -> None:
        """Closes the connection."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _known(self, model: str, version: int | None) -> dict[str, SignatureDef]:
        """Returns the signatures that were received last. Fetches the signatures if there are none."""
        return self._signatures.get(ModelSpec(model, version)) or self.signatures(model, version=version)

    def _definition(self, model: str, signature: str, version: int | None) -> SignatureDef:
        """Returns a signature of a model. Raises InvalidArgument if the model does not have the signature."""
        known = self._signatures.get(ModelSpec(model, version), {})
        if signature not in known:
            known = self.signatures(model, version=version)
        if signature not in known:
            names = ", ".join(sorted(known))
            raise InvalidArgument(f"Expected a signature of {model}: {names}. Received: {signature}")
        return known[signature]

    def _ask(self, spec: ModelSpec, definition: SignatureDef, inputs: Any) -> Arrays:
        if not isinstance(inputs, Mapping):
            if not definition.inputs:
                raise InvalidArgument(f"{definition.name} has no inputs. Pass {{}} as the inputs.")
            if len(definition.inputs) > 1:
                names = ", ".join(sorted(definition.inputs))
                raise InvalidArgument(f"{definition.name} has several inputs ({names}). Pass arrays by name.")
            inputs = {next(iter(definition.inputs)): inputs}
        arrays = {name: _cast(name, value, definition) for name, value in inputs.items()}
        check_values(arrays, definition, self._signatures.get(spec, {}))
        return self._transport.predict(spec, definition, arrays)


def _cast(name: str, value: Any, definition: SignatureDef) -> Array:
    """Casts an input to the dtype of the signature, if `Connection.predict` describes this cast.

    Returns other inputs unchanged, and the server then checks their dtypes. Raises InvalidArgument if an integer does
    not fit into the dtype.
    """
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
