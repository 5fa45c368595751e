"""Which requests need a token, and the CORS headers for tokens."""

from __future__ import annotations

from collections.abc import Iterable

from ...config.auth_tokens import AuthTokens
from ...observe.observation import Observation
from .body import Scope
from .health import PATHS

SHOWING_ALL = ("/docs", "/openapi.json")  # paths that show all models
_HEADERS = b"access-control-allow-headers"


class Guard:
    """Checks the tokens of requests.

    Args:
        tokens: the tokens that clients must send; None for no tokens.
        metrics_path: the path of the metrics; None for no metrics.
        public: the paths that need no token, in addition to those for the health of the server.
    """

    def __init__(self, tokens: AuthTokens | None, metrics_path: str | None, public: Iterable[str]) -> None:
        self._tokens, self._metrics_path = tokens, metrics_path
        self._public = frozenset([*PATHS, *public])

    def check(self, scope: Scope, path: str, request: Observation) -> None:
        """Sets `request.access`, if the request needs a token.

        `path` is the path without the query. Raises Unauthenticated without a known token, PermissionDenied if the
        token is not for the path, and ResourceExhausted if the client sends too many requests.
        """
        is_metrics = path == self._metrics_path
        is_preflight = scope["method"] == "OPTIONS" and not is_metrics  # browsers send no token in such a request
        if self._tokens is None or is_preflight or path in self._public:
            return
        request.method = "Authenticate"  # if the request is refused
        request.access = self._tokens.access(scope["headers"])
        if is_metrics:
            request.access.check("metrics")
        elif path in SHOWING_ALL:
            request.access.check("all models")
        request.method = ""

    def cors(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Returns CORS headers. With tokens, pages of other sites may send the header Authorization."""
        if self._tokens is None:
            return headers
        return [(name, value + b", Authorization" if name == _HEADERS else value) for name, value in headers]
