"""Answers of the REST face: status, content type and body."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from .body import Scope

JSON, PREFLIGHT = "application/json", "text/html; charset=ISO-8859-1"


class Answer(NamedTuple):
    """Status, content type and body."""

    status: int
    kind: str
    body: bytes


def document(status: int, content: Any) -> Answer:
    """A JSON document, on one line."""
    return Answer(status, JSON, json.dumps(content, ensure_ascii=False).encode(errors="replace") + b"\n")


def page(status: int, words: str) -> Answer:
    """What is no part of the API is refused as a browser likes it."""
    head, body = f"<TITLE>{status} {words}</TITLE>", f"<H1>{words}</H1>"
    html = f"<HTML><HEAD>\n{head}\n</HEAD><BODY>\n{body}\n</BODY></HTML>\n"
    return Answer(status, "text/html", html.encode())


def preflight(scope: Scope) -> Answer:
    """A browser asks before it lets another site's page post; it says whose."""
    origin = dict(scope["headers"]).get(b"origin", b"")
    allowed = b"http://" in origin or b"https://" in origin
    return Answer(200 if allowed else 400, PREFLIGHT, b"")
