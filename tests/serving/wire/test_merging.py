"""Tests that parsing a message in pieces gives the same message."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving.wire import merging, messages
from keras_gallery.serving.wire.predict import encode_field


@pytest.fixture(autouse=True, scope="module")
def short_pieces() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "LONG", 0)
        patch.setattr(merging, "_PIECE", 16)
        yield


def request() -> bytes:
    message = messages.RegressionRequest()
    message.model_spec.name = "a model with a long name"
    for number in range(20):
        example = message.input.example_list_with_context.examples.add()
        example.features.feature["a"].float_list.value.append(number)
    message.input.example_list_with_context.context.features.feature["b"].int64_list.value.extend(range(99))
    return bytes(message.SerializeToString())


DATA = request()


def outcome(parse: Any) -> Any:
    try:
        return parse().SerializeToString(deterministic=True)
    except DecodeError:
        return "malformed"


def test_each_piece_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    piece = merging._merge
    monkeypatch.setattr(merging, "_merge", lambda *all: (sizes.append(all[3] - all[2]), piece(*all)))
    assert merging.parse(messages.RegressionRequest, DATA) == messages.RegressionRequest.FromString(DATA)
    assert len(sizes) >= 5  # the request, the model, the input, the list, the context


def test_a_submessage_that_replaces_another_one() -> None:
    examples, context = messages.Input(), messages.Input()
    examples.example_list.examples.add().features.feature["a"].bytes_list.value.append(bytes(99))
    context.example_list_with_context.SetInParent()
    parts = (each.SerializeToString() for each in (examples, context, examples))
    data = encode_field(0x12, b"".join(parts))
    parsed = merging.parse(messages.RegressionRequest, data)
    assert parsed == messages.RegressionRequest.FromString(data)
    assert len(parsed.input.example_list.examples) == 1


def test_most_fields_that_are_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny fields would otherwise take much longer than to parse them at once."""
    monkeypatch.setattr(merging, "MAX_FIELDS", 5)
    tags = []
    varint = merging.varint
    monkeypatch.setattr(merging, "varint", lambda data, at: tags.append(at) or varint(data, at))
    assert merging.parse(messages.RegressionRequest, DATA) == messages.RegressionRequest.FromString(DATA)
    assert len(tags) <= 2 * 5


@given(st.integers(0, len(DATA)), st.binary(max_size=4), st.integers(0, 4))
def test_changed_bytes(at: int, new: bytes, dropped: int) -> None:
    data = DATA[:at] + new + DATA[at + dropped :]
    wanted = outcome(lambda: messages.RegressionRequest.FromString(data))
    assert outcome(lambda: merging.parse(messages.RegressionRequest, data)) == wanted
