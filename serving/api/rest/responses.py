"""Answers of the REST API."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from .body import Scope

JSON, PREFLIGHT = "application/json", "text/html; charset=ISO-8859-1"


class Answer(NamedTuple):
    """An HTTP status, a content type, a body and additional headers."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


def document(status: int, content: Any) -> Answer:
    """Returns an answer with a JSON document on one line."""
    return Answer(status, JSON, json.dumps(content, ensure_ascii=False).encode(errors="replace") + b"\n")


def page(status: int, reason: str) -> Answer:
    """Returns an HTML page for an error outside of the API. `reason` is the reason phrase, such as "Not Found"."""
    head, body = f"<TITLE>{status} {reason}</TITLE>", f"<H1>{reason}</H1>"
    html = f"<HTML><HEAD>\n{head}\n</HEAD><BODY>\n{body}\n</BODY></HTML>\n"
    return Answer(status, "text/html", html.encode())


def preflight(scope: Scope) -> Answer:
    """Answers a CORS preflight request. The status is 400 if the header Origin is not an HTTP or HTTPS URL."""
    origin = dict(scope["headers"]).get(b"origin", b"")
    allowed = b"http://" in origin or b"https://" in origin
    return Answer(200 if allowed else 400, PREFLIGHT, b"")
