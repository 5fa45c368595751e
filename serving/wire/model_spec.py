"""`ModelSpec`: which model a request means, and which one answered."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from . import messages

# The few specs that clients send again and again are read once. Longer ones are not kept: the sender does not decide
# how much memory is taken.
_KNOWN, _MAX_BYTES = 256, 256


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Which model, version (by number or by label) and signature ("": not said) is meant."""

    name: str
    version: int | None = None
    label: str | None = None
    signature: str = ""


def model_spec(message: Any) -> ModelSpec:
    """A `ModelSpec` message as ours."""
    choice = message.WhichOneof("version_choice")
    return ModelSpec(
        message.name,
        message.version.value if choice == "version" else None,
        message.version_label if choice == "version_label" else None,
        message.signature_name,
    )


def decode_spec(data: bytes) -> ModelSpec:
    """A serialized `ModelSpec` as ours. Raises `google.protobuf.message.DecodeError` for bytes that are none."""
    return _read_again(data) if len(data) <= _MAX_BYTES else _read(data)


def _read(data: bytes) -> ModelSpec:
    return model_spec(messages.ModelSpec.FromString(data))


_read_again = functools.lru_cache(_KNOWN)(_read)


@functools.lru_cache(_KNOWN)
def encode_spec(spec: ModelSpec) -> bytes:
    """A serialized `ModelSpec`."""
    message = messages.ModelSpec(name=spec.name, signature_name=spec.signature)
    if spec.version is not None:
        message.version.value = spec.version
    elif spec.label is not None:
        message.version_label = spec.label
    return bytes(message.SerializeToString())
