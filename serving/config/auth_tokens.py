"""The tokens that clients must send, from the file of --auth_tokens_file.

The file has the SHA-256 digests of the tokens, so that nobody can read the tokens in the file. The digests have no
salt: the tokens must be random.

    {"tokens": [{"name": "web", "sha256": "5e88…", "models": ["digits"], "requests_per_second": 20},
                {"name": "prometheus", "sha256": "03ac…", "models": [], "metrics": true}]}
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from ..errors import InvalidArgument, PermissionDenied, ResourceExhausted, Unauthenticated

MAX_TOKENS = 1000  # each request is compared with all of them
MAX_FILE_BYTES = 1 << 20
_DIGEST = re.compile("[0-9a-f]{64}")
_SCHEME = b"bearer "


class NoToken(Unauthenticated):
    """The request has no token, or a token that is not in the file."""

    http_headers = ((b"www-authenticate", b"Bearer"),)


class TooFast(ResourceExhausted):
    """The client has sent more requests than its limit."""

    def __init__(self, name: str, limit: float, seconds: float) -> None:
        super().__init__(f"Expected at most {limit:g} requests per second of {name}. Retry in {seconds:.2g} s.")
        self.http_headers = ((b"retry-after", b"%d" % math.ceil(seconds)),)


@dataclass(frozen=True, slots=True)
class Access:
    """What the requests with one token may do.

    Attributes:
        name: the name of the token, for the request log and error messages.
        sha256: the digest of the token.
        models: the names of the models; None: all models.
        requests_per_second: the limit in each worker process; 0: no limit.
        metrics: whether the client may read the metrics.
        reload: whether the client may replace the models.
    """

    name: str
    sha256: bytes
    models: frozenset[str] | None = None
    requests_per_second: float = 0.0
    metrics: bool = False
    reload: bool = False

    def allows(self, model: str) -> bool:
        """Returns whether the client may use a model."""
        return self.models is None or model in self.models

    def check_model(self, model: str) -> None:
        """Raises PermissionDenied if the client may not use a model. Does not say whether there is such a model."""
        if not self.allows(model):
            raise PermissionDenied(f"The token {self.name} is not for the model {model[:128]}.")

    def check(self, right: str) -> None:
        """Raises PermissionDenied if the client does not have the right "metrics", "reload" or "all models"."""
        has_right = self.models is None if right == "all models" else getattr(self, right)
        if not has_right:
            raise PermissionDenied(f"The token {self.name} is not for this request: it needs the right {right}.")


class AuthTokens:
    """The tokens in the file.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._accesses: tuple[Access, ...] = ()  # none until the file is read: all requests are refused
        self._allowances: dict[bytes, tuple[float, float]] = {}  # digest → requests that are left, and at which time

    def read(self) -> None:
        """Reads the file. Raises InvalidArgument, and keeps the tokens that it has, if the file is invalid."""
        self._accesses = read(self.path)

    def access(self, headers: Iterable[tuple[bytes, bytes]]) -> Access:
        """Returns what a request may do. Call it once for each request.

        Raises Unauthenticated without a known token, and ResourceExhausted if the client sends too many requests.
        """
        value = dict(headers).get(b"authorization", b"")
        if value[: len(_SCHEME)].lower() != _SCHEME:
            raise NoToken("Expected the header authorization: Bearer TOKEN.")
        digest = hashlib.sha256(value[len(_SCHEME) :].strip()).digest()
        found = None
        for each in self._accesses:  # always all of them, so that the time does not tell which token is similar
            if hmac.compare_digest(each.sha256, digest):
                found = each
        if found is None:
            raise NoToken("The token of the request is unknown.")
        if found.requests_per_second:
            self._take(found)
        return found

    def _take(self, access: Access) -> None:
        """Counts a request. A client that was quiet may send the requests of one second at once."""
        now, rate = monotonic(), access.requests_per_second
        most = max(rate, 1.0)
        left, since = self._allowances.get(access.sha256, (most, now))
        left = min(left + (now - since) * rate, most)
        if left < 1:
            raise TooFast(access.name, rate, (1 - left) / rate)
        self._allowances[access.sha256] = left - 1, now


def read(path: Path) -> tuple[Access, ...]:
    """Returns the entries of the file.

    Raises InvalidArgument if the file can't be read, is not JSON, or has a wrong or repeated entry.
    """
    try:
        if not path.is_file():
            raise _wrong(path, "is not a regular file")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _wrong(path, f"has more than {MAX_FILE_BYTES} bytes")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise _wrong(path, "is not JSON") from None
    entries = document.get("tokens") if isinstance(document, dict) and document.keys() == {"tokens"} else None
    if not isinstance(entries, list) or len(entries) > MAX_TOKENS:
        raise _wrong(path, f'must have the form {{"tokens": [{{…}}]}}, with at most {MAX_TOKENS} tokens')
    accesses = tuple([_access(path, number, entry) for number, entry in enumerate(entries, 1)])
    for field in ("name", "sha256"):
        if len({getattr(each, field) for each in accesses}) < len(accesses):
            raise _wrong(path, f"has the same {field} twice")
    return accesses


_TYPES: Mapping[str, tuple[type, ...]] = {
    "name": (str,),
    "sha256": (str,),
    "models": (list,),
    "requests_per_second": (int, float),
    "metrics": (bool,),
    "reload": (bool,),
}


def _access(path: Path, number: int, entry: Any) -> Access:
    if not isinstance(entry, dict) or not {"name", "sha256"} <= entry.keys() <= _TYPES.keys():
        raise _wrong(path, f"token {number} must have name and sha256, and can have {', '.join(list(_TYPES)[2:])}")
    for key, value in entry.items():
        if type(value) not in _TYPES[key]:
            raise _wrong(path, f"token {number} has a {key} of a wrong type")
    models = entry.get("models")
    if models is not None and not all(isinstance(name, str) for name in models):
        raise _wrong(path, f"token {number} has a model that is not a string")
    if not re.fullmatch("[0-9A-Za-z_. -]{1,64}", entry["name"]):
        raise _wrong(path, f"token {number} must have a name of up to 64 letters, digits, spaces and .-_")
    if not _DIGEST.fullmatch(entry["sha256"]):
        raise _wrong(path, f"token {number} must have 64 hexadecimal digits, in lower case, as sha256")
    if not 0 <= entry.get("requests_per_second", 0) < 1e9 or 0 < entry.get("requests_per_second", 1) < 1e-6:
        raise _wrong(path, f"token {number} must have requests_per_second from 0.000001 to 1e9, or 0 for no limit")
    return Access(
        entry["name"],
        bytes.fromhex(entry["sha256"]),
        None if models is None else frozenset(models),
        float(entry.get("requests_per_second", 0)),
        entry.get("metrics", False),
        entry.get("reload", False),
    )


def _wrong(path: Path, problem: str) -> InvalidArgument:
    return InvalidArgument(f"The file {path} of --auth_tokens_file {problem}.")
