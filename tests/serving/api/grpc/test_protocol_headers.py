"""Tests of the headers of gRPC: timeouts and status messages."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from keras_gallery.serving.api.grpc.protocol import status_message, timeout_seconds
from keras_gallery.serving.errors import InvalidArgument

from ....random_inputs import random_inputs

# === Timeouts ===


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"1S", 1),
        (b"0S", 0),
        (b"00000007S", 7),
        (b"99999999H", 99999999 * 3600),
        (b"2M", 120),
        (b"250m", 0.25),
        (b"3u", 3e-6),
        (b"5n", 5e-9),
    ],
)
def test_timeouts(text: bytes, seconds: float) -> None:
    assert timeout_seconds(text) == pytest.approx(seconds, rel=1e-12)


@random_inputs(300)
@given(st.binary(max_size=12) | st.from_regex(rb"[0-9]{0,10}[HMSmunhs]?", fullmatch=True))
@example(b"100000000S")
@example(b"1 S")
@example(b"-1S")
@example(b"1.5S")
@example(b"1_0S")
@example("٣S".encode())
@example("²S".encode("latin-1"))
@example(b"S")
@example(b"1")
@example(b"")
@example(b"1S\n")
def test_timeouts_follow_the_grammar_of_the_specification(text: bytes) -> None:
    """The grammar: at most 8 digits, then one of the units H, M, S, m, u and n."""
    if re.fullmatch(rb"[0-9]{1,8}[HMSmun]", text):
        assert 0 <= timeout_seconds(text) <= 99999999 * 3600
    else:
        with pytest.raises(InvalidArgument, match=r"^The header grpc-timeout must be up to 8 digits and a unit: "):
            timeout_seconds(text)


# === Status messages ===


def decoded(message: bytes) -> str:
    """Decodes a status message as the specification says. A client shows an invalid message as it is."""
    return re.sub(rb"%([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), message).decode()


@random_inputs(300)
@given(st.text(max_size=256))
@example("100 % of 50%25")
@example(" in\r\nlines\t\0 ")
@example("  ")
@example("é🎈" * 170)
def test_status_messages_have_only_allowed_characters(text: str) -> None:
    message = status_message(text)
    assert re.fullmatch(rb"(?:[ -$&-~]|%[0-9A-F]{2})*", message)
    assert message == message.strip(), "HTTP/2 forbids spaces at both ends of a header"
    assert decoded(message) == text
    plain = text[1:-1]
    if re.fullmatch("[ -$&-~]*", plain):
        assert plain.encode() in message, "plain text stays readable"


@random_inputs(100)
@given(st.text(min_size=1, max_size=20), st.integers(1, 20_000))
@example("a", 1_024)
@example("a", 1_025)
@example("🎈", 256)
@example("🎈", 257)
@example("a🎈", 300)
@example(" ", 20_000)
@example("a ", 20_000)
def test_long_status_messages_are_shortened_as_in_tensorflow_serving(part: str, count: int) -> None:
    content = (part * count).encode()
    message = status_message(part * count)
    assert len(message) < 4096, "clients reject a message of more than 8 KiB"
    shown = content[:1024].decode(errors="ignore")
    assert decoded(message) == (part * count if len(content) <= 1024 else shown + "...TRUNCATED")


def test_surrogates_in_status_messages_are_replaced() -> None:
    assert status_message("a\ud800b") == b"a?b"
    assert len(status_message("\ud800" * 10_000)) < 4096
