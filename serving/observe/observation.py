"""The record of one request, which the server fills in while it answers the request.

Metrics, request log and traces read the record.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ..config.auth_tokens import Access
from ..limits import Share

MAX_TEXT = 256  # maximum number of characters that are kept of a text from a client


@dataclass(slots=True)
class Observation:
    """The record of one request.

    Attributes:
        face: the API, "grpc" or "rest".
        method: the gRPC method's name, such as "Predict". REST requests have the name of the same gRPC method.
        model: the name of the requested model.
        version, signature: the version and the signature that answer the request; None and "" until they are known.
        status: the gRPC code's name, such as "OK" or "NOT_FOUND".
        seconds: time from the request's arrival to its answer.
        runtime_seconds: time in the engine, including the wait for a batch; 0 if the request did not reach the engine.
        engine: the name of the engine that ran the request.
        rows: size of the request's batch dimension, or the number of tf.Examples in the request.
        batch_rows: size of the batch dimension of a run that several requests shared; 0 if the request ran alone.
        request_bytes, response_bytes: bytes on the wire, without headers.
        peer: the client's address.
        request_id: the value of the header x-request-id.
        traceparent: the value of the W3C header traceparent.
        is_pending: whether the request counts as pending in the metrics.
        deadline: the time (`time.monotonic`) after which the client does not wait for the answer.
        share: the share of the request in the memory budget; None if there is no budget.
        access: what the request may do; None if the server has no tokens.
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
    is_pending: bool = False
    deadline: float = math.inf
    share: Share | None = None
    access: Access | None = None

    @property
    def client(self) -> str:
        """The address of the client, without the port; empty if it is unknown."""
        return self.share.client if self.share else ""

    def read_headers(self, headers: Iterable[tuple[str | bytes, str | bytes]]) -> None:
        """Sets `request_id` and `traceparent` from HTTP headers or gRPC metadata with names in lower case."""
        for name, value in headers:
            if name in ("x-request-id", b"x-request-id"):
                self.request_id = _text(value)
            elif name in ("traceparent", b"traceparent"):
                self.traceparent = _text(value)


def _text(value: str | bytes) -> str:
    return (value.decode("latin-1") if isinstance(value, bytes) else value)[:MAX_TEXT]
