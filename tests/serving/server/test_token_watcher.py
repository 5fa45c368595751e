"""Tests that the server reads the file of --auth_tokens_file again."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from keras_gallery.serving.config import flags
from keras_gallery.serving.config.auth_tokens import AuthTokens
from keras_gallery.serving.config.server_config import Ssl
from keras_gallery.serving.errors import InvalidArgument, Unauthenticated
from keras_gallery.serving.server import token_watcher
from keras_gallery.serving.server.model_server import anyone_can_reload, tokens_are_readable
from keras_gallery.serving.server.settings import Settings
from keras_gallery.serving.server.token_watcher import TokenWatcher

from ... import waiting
from ..config.test_auth_tokens import bearer, entry, written

until = partial(waiting.until, seconds=20)


def knows(tokens: AuthTokens, token: str) -> bool:
    try:
        tokens.access(bearer(token))
    except Unauthenticated:
        return False
    return True


@pytest.fixture
def watcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenWatcher]:
    monkeypatch.setattr(token_watcher, "POLL_SECONDS", 0.01)
    found = TokenWatcher(AuthTokens(written(tmp_path, entry())))
    yield found
    found.stop()


def test_a_changed_file_is_read(watcher: TokenWatcher, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tokens = watcher._tokens
    assert knows(tokens, "secret")
    with caplog.at_level(logging.INFO):
        written(tmp_path, entry("new", "another"))
        until(lambda: knows(tokens, "another"))
        assert not knows(tokens, "secret")
        until(lambda: "has changed: using its tokens" in caplog.text)
        other = tmp_path / "other"
        other.mkdir()
        os.replace(written(other, entry("c", "third")), tmp_path / "tokens.json")
        until(lambda: knows(tokens, "third"))
        before = os.stat(tmp_path / "tokens.json")
        written(other, entry("d", "fourth"))
        os.utime(other / "tokens.json", ns=(before.st_atime_ns, before.st_mtime_ns))
        os.replace(other / "tokens.json", tmp_path / "tokens.json")  # the same size and time, but another file
        until(lambda: knows(tokens, "fourth"))


def test_an_invalid_file_is_logged_once(
    watcher: TokenWatcher, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tokens.json").write_text("{")
    until(lambda: "is not JSON. The tokens stay as they are." in caplog.text)
    watcher.check()
    watcher.check()
    assert caplog.text.count("is not JSON") == 1 and knows(watcher._tokens, "secret")
    (tmp_path / "tokens.json").unlink()
    until(lambda: "is not a regular file" in caplog.text)
    written(tmp_path, entry("new", "another"))
    until(lambda: knows(watcher._tokens, "another"))


def test_a_process_that_starts_with_an_invalid_file_refuses_all_requests(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("{")
    watcher = TokenWatcher(AuthTokens(tmp_path / "f"))
    watcher.stop()
    assert not knows(watcher._tokens, "secret")


def test_the_server_does_not_start_with_an_invalid_file(tmp_path: Path) -> None:
    values = flags.parse(["--model_base_path=/m", f"--auth_tokens_file={tmp_path}"], {})
    with pytest.raises(InvalidArgument, match="of --auth_tokens_file is not a regular file"):
        Settings.read(values)


@pytest.mark.parametrize(
    ("arguments", "encrypted", "readable"),
    [
        ([], [], True),
        (["--host=127.0.0.1"], [], False),
        (["--rest_api_port=1"], ["grpc"], True),
        (["--rest_api_port=1"], ["grpc", "rest"], False),
        (["--port=0", "--rest_api_port=1"], ["rest"], False),
    ],
    ids=str,
)
def test_who_can_read_tokens(tmp_path: Path, arguments: list[str], encrypted: list[str], readable: bool) -> None:
    file = written(tmp_path, entry())
    values = flags.parse(["--model_base_path=/m", f"--auth_tokens_file={file}", *arguments], {})
    settings = Settings.read(values)
    settings.tls.update(dict.fromkeys(encrypted, Ssl("", "", "", False)))
    assert tokens_are_readable(values, settings) is readable
    assert not anyone_can_reload(values, settings)
    assert not tokens_are_readable(flags.parse(["--model_base_path=/m", *arguments], {}), settings)
