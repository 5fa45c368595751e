"""`ModelSpec`: the model, version and signature that a request names, or that answered the request."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from . import messages

# Clients send the same few specs again and again, so decoded specs are cached. Specs over 256 bytes are not cached, to
# limit the memory of the cache.
_KNOWN, _MAX_BYTES = 256, 256


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model, a version and a signature.

    Attributes:
        name: the model's name.
        version: the number of the version. None if the request does not give a number.
        label: the label of the version, such as "stable". None if the request does not give a label.
        signature: the signature's name. "" if the request does not name a signature.
    """

    name: str
    version: int | None = None
    label: str | None = None
    signature: str = ""


def model_spec(message: Any) -> ModelSpec:
    """Converts a `ModelSpec` message."""
    choice = message.WhichOneof("version_choice")
    return ModelSpec(
        message.name,
        message.version.value if choice == "version" else None,
        message.version_label if choice == "version_label" else None,
        message.signature_name,
    )


def decode_spec(data: bytes) -> ModelSpec:
    """Reads a serialized `ModelSpec`. Raises `google.protobuf.message.DecodeError` for malformed bytes."""
    return _read_again(data) if len(data) <= _MAX_BYTES else _read(data)


def _read(data: bytes) -> ModelSpec:
    return model_spec(messages.ModelSpec.FromString(data))


_read_again = functools.lru_cache(_KNOWN)(_read)


@functools.lru_cache(_KNOWN)
def encode_spec(spec: ModelSpec) -> bytes:
    """Serializes a `ModelSpec`."""
    message = messages.ModelSpec(name=spec.name, signature_name=spec.signature)
    if spec.version is not None:
        message.version.value = spec.version
    elif spec.label is not None:
        message.version_label = spec.label
    return bytes(message.SerializeToString())
