"""The routes of the page's files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from pathlib import Path

from ..api.rest.responses import Answer

STATIC = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# The browser runs and loads only files from this server, and no other page can show this page in a frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),  # after an update of the server, the browser loads the new files
)
METRICS = "{metrics_path}"  # in index.html


def routes(metrics_path: str | None) -> dict[str, Callable[[], Awaitable[Answer]]]:
    """Returns the functions that answer the requests for the page, by path: "/", "/page/main.js" and so on.

    The files are read now. A request for a path that is not in the dict never reaches the file system.

    Args:
        metrics_path: the path of the metrics. None for no metrics.
    """
    answers = {}
    for file in sorted(STATIC.iterdir()):
        body = file.read_text(encoding="utf-8")
        if file.name == "index.html":
            body = body.replace(METRICS, escape(metrics_path or ""))
        path = "/" if file.name == "index.html" else f"/page/{file.name}"
        answers[path] = Answer(200, TYPES[file.suffix], body.encode(), HEADERS)
    return {path: _constant(answer) for path, answer in answers.items()}


def _constant(answer: Answer) -> Callable[[], Awaitable[Answer]]:
    async def route() -> Answer:
        return answer

    return route
