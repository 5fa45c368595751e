"""The paths for the health of the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ...processes.control import Control, waiting_models
from .responses import Answer, document

PATHS = ("/livez", "/readyz", "/v2/health/live", "/v2/health/ready")


class Health:
    """Answers whether the process runs, and whether each model has an available version.

    Args:
        control: the status of the whole server.
        names_models: whether the reason of a server that is not ready names the models.

    Attributes:
        is_stopping: whether the server is stopping, and therefore not ready.
    """

    def __init__(self, control: Control, *, names_models: bool = True) -> None:
        self._control, self._names_models = control, names_models
        self.is_stopping = False

    def routes(self) -> dict[str, Callable[[], Awaitable[Answer]]]:
        """Returns the functions that answer the requests, by path."""
        return dict(zip(PATHS, (self._livez, self._readyz, self._live, self._ready), strict=True))

    async def _livez(self) -> Answer:
        return document(200, {"status": "live"})

    async def _readyz(self) -> Answer:
        if reason := await self._unready():
            return document(503, {"status": "not ready", "reason": reason})
        return document(200, {"status": "ready"})

    async def _live(self) -> Answer:
        return document(200, {"live": True})

    async def _ready(self) -> Answer:
        if reason := await self._unready():
            return document(503, {"ready": False, "reason": reason})
        return document(200, {"ready": True})

    async def _unready(self) -> str:
        """Returns the reason why the server is not ready, or "" if it is."""
        if self.is_stopping:
            return "the server is stopping"
        waiting = await waiting_models(self._control)
        if not waiting:
            return ""
        return f"no version available of {', '.join(waiting) if self._names_models else 'some models'}"
