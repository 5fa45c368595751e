"""Reads the file of --auth_tokens_file again whenever it changes."""

from __future__ import annotations

import logging
import os
import threading

from ..config.auth_tokens import AuthTokens
from ..errors import InvalidArgument

log = logging.getLogger(__name__)
POLL_SECONDS = 1.0


class TokenWatcher:
    """Looks at the file every second, in a thread, and reads it if it has changed.

    If the new file is invalid, the error is logged, and the tokens stay as they are. A worker process that starts with
    an invalid file has no tokens, and refuses all requests until the file is valid: it must not accept tokens that were
    removed before.

    Args:
        tokens: the tokens.
    """

    def __init__(self, tokens: AuthTokens) -> None:
        self._tokens = tokens
        self._stopping = threading.Event()
        self._seen: object = None
        self.check()
        threading.Thread(target=self._watch, name="token file", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def _watch(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            self.check()

    def check(self) -> None:
        """Reads the file if it has changed since the last check."""
        seen = self._stat()
        if seen == self._seen:
            return
        changed, self._seen = self._seen is not None, seen
        try:
            self._tokens.read()
        except InvalidArgument as error:
            log.error("%s The tokens stay as they are.", error)
        else:
            if changed:
                log.info("%s has changed: using its tokens", self._tokens.path)

    def _stat(self) -> object:
        try:
            found = os.stat(self._tokens.path)
        except OSError as error:
            return error.errno
        return found.st_ino, found.st_size, found.st_mtime_ns
