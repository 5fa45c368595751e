"""What is noted of one request: filled in by the face that answers it, read by metrics, request log and traces."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass

MAX_TEXT = 256  # characters kept of what a client sends


@dataclass(slots=True)
class Observation:
    """One request.

    Attributes:
        face: "grpc" or "rest".
        method: the gRPC method's name, such as "Predict", over REST, too.
        model, version, signature: what was asked for, and once it is known, what answered.
        status: the gRPC code's name, such as "OK" or "NOT_FOUND".
        seconds: from the request's arrival to its answer.
        runtime_seconds: in the engine, with the wait for a batch; 0: it did not get there.
        engine: which one.
        rows: rows of the request's batch dimension, or tf.Examples.
        batch_rows: rows of the batch that it was run in; 0: it was run alone.
        request_bytes, response_bytes: as they crossed the wire, without headers.
        peer: the client's address.
        request_id: of the header x-request-id.
        traceparent: the W3C header.
    """

    face: str
    method: str
    model: str = ""
    version: int | None = None
    signature: str = ""
    status: str = "OK"
    seconds: float = 0.0
    runtime_seconds: float = 0.0
    engine: str = ""
    rows: int = 0
    batch_rows: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    peer: str = ""
    request_id: str = ""
    traceparent: str = ""

    def read_headers(self, headers: Iterable[tuple[str | bytes, str | bytes]]) -> None:
        """Takes request id and trace from HTTP headers or gRPC metadata; names in lower case, as both have them."""
        for name, value in headers:
            if name in ("x-request-id", b"x-request-id"):
                self.request_id = _text(value)
            elif name in ("traceparent", b"traceparent"):
                self.traceparent = _text(value)


def _text(value: str | bytes) -> str:
    return (value.decode("latin-1") if isinstance(value, bytes) else value)[:MAX_TEXT]


# The request that is being answered: set by the face, filled in by the core on the way.
CURRENT: ContextVar[Observation | None] = ContextVar("observation", default=None)
