"""Reads the method and path of a REST request by TensorFlow Serving's rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from ...errors import InvalidArgument
from ...wire.model_spec import ModelSpec

METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")

_URI = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")
_VERSION = r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_PATHS = {
    "POST": re.compile(rf"/v1/models/(?P<name>[^/:]+){_VERSION}:(?P<action>classify|regress|predict)", re.IGNORECASE),
    "GET": re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?:/(?P<action>metadata))?", re.IGNORECASE),
}
_CARD = re.compile(r"/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]+))?/card")


@dataclass(frozen=True, slots=True)
class Target:
    """The action and the model in the path of a request.

    Attributes:
        action: "predict", "classify", "regress", "status" or "metadata".
        spec: the model, and its version if the path has one.
    """

    action: str
    spec: ModelSpec


class VersionTooLarge(Exception):
    """The version does not fit into 64 bits. TensorFlow Serving answers such a request with an empty body."""


def is_uri(text: bytes) -> bool:
    """Returns whether all characters of a path or a query are allowed in a URI."""
    return _URI.fullmatch(text) is not None


def target(method: str, path: str) -> Target:
    """Reads the path of a request to the API. `path` includes the query.

    Raises:
        InvalidArgument: the API has no such path, or the path has no model name.
        VersionTooLarge: the version does not fit into 64 bits.
    """
    match = _PATHS[method].fullmatch(path) if method in _PATHS else None
    if match is None:
        raise InvalidArgument(f"Malformed request: {method} {path}")
    version = _version(match["version"]) if match["version"] else None
    if match["name"] is None:
        raise InvalidArgument("Missing model name in request.")
    action = match["action"] or "status"
    if method == "GET" and action != "metadata":
        action = "status"  # TensorFlow Serving reads METADATA in capitals as a status request
    elif method == "POST" and action != action.lower():
        raise InvalidArgument(f"Malformed request: {method} {path}")
    label = _decoded(match["label"]) if match["label"] else None
    return Target(action, ModelSpec(_decoded(match["name"]), version, label))


def card(path: str) -> ModelSpec | None:
    """Returns the model in the path of a card, such as "/models/m/versions/1/card"; None for another path.

    Raises VersionTooLarge if the version does not fit into 64 bits.
    """
    match = _CARD.fullmatch(path)
    return match and ModelSpec(_decoded(match["name"]), _version(match["version"]) if match["version"] else None)


def _version(text: str) -> int:
    digits = text.lstrip("0") or "0"
    if len(digits) > 19 or int(digits) >= 1 << 63:
        raise VersionTooLarge
    return int(digits)


def _decoded(text: str) -> str:
    return unquote(text, errors="surrogateescape")
