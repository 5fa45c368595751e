"""Tests of the log: names and error messages cannot forge a line or control the terminal."""

from __future__ import annotations

import logging
import sys

import pytest
from keras_gallery.serving.server.log import Formatter

FORGED = "m\n2026-01-01 00:00:00,000 INFO root: all is well\x1b[2J\x9b2J\u2028\u202e\r"


def formatted(*arguments: object, error: Exception | None = None) -> list[str]:
    information = None
    if error:
        try:
            raise error
        except Exception:
            information = sys.exc_info()
    return (
        Formatter()
        .format(logging.LogRecord("name", logging.INFO, "file", 1, "loaded %s", arguments, information))
        .splitlines()
    )


def test_a_record_is_one_line() -> None:
    (line,) = formatted("model 1 ü 模")
    assert line.endswith(" INFO name: loaded model 1 ü 模")


def test_a_name_cannot_forge_a_line() -> None:
    (line,) = formatted(FORGED)
    assert line.isprintable()
    assert line.endswith(r"loaded m\n2026-01-01 00:00:00,000 INFO root: all is well\x1b[2J\x9b2J\u2028\u202e\r")


def test_the_message_of_an_exception_cannot_forge_a_line() -> None:
    first, *traceback = formatted("m", error=ValueError(FORGED))
    assert first.endswith("loaded m") and traceback[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") and line.isprintable() for line in traceback)


@pytest.mark.parametrize("logger", ["asyncio", "h2corn", "keras_gallery.serving.core.loader"])
def test_all_loggers_use_the_format(logger: str) -> None:
    assert not logging.getLogger(logger).handlers and logging.getLogger(logger).propagate
