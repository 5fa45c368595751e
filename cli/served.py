"""What a server says about a model. If the server is still loading the model, the commands wait for a few seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..models.errors import GalleryError
from .progress import progress

if TYPE_CHECKING:
    from ..serving.client import Client
    from ..serving.wire.signature import SignatureDef

SECONDS, PAUSE = 10.0, 0.25  # how long a command waits for a model, and between two tries


def signatures(client: Client, name: str, version: int | None = None) -> dict[str, SignatureDef]:
    """Returns the signatures of a model by name.

    Raises:
        GalleryError: the server is still loading the model after `SECONDS`.
        ServingError: the server does not have the model, or failed.
    """
    from ..serving.errors import NotFound

    end, is_told = time.monotonic() + SECONDS, False
    while True:
        try:
            return client.signatures(name, version=version)
        except NotFound as error:
            if not _is_loading(client, name):
                raise
            if time.monotonic() >= end:
                raise GalleryError(
                    f"The server is still loading the model {name}. Run the command again when it has loaded the model."
                ) from error
        if not is_told:
            progress(f"Waiting until the server has loaded {name}")
            is_told = True
        time.sleep(PAUSE)


def newest_version(client: Client, name: str) -> int | None:
    """Returns the newest version of a model that the server has loaded. None if the server does not say it.

    Raises the errors of `signatures`.
    """
    from ..serving.errors import ServingError

    signatures(client, name)
    try:
        return max((version for version, state in client.status(name).items() if state == "AVAILABLE"), default=None)
    except ServingError:
        return None


def _is_loading(client: Client, name: str) -> bool:
    from ..serving.errors import ServingError

    try:
        return bool({"START", "LOADING"} & set(client.status(name).values()))
    except ServingError:
        return False
