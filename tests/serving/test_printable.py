"""Tests of escaping text before it is printed."""

from __future__ import annotations

import pytest
from keras_gallery.serving.printable import printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Größe 3 模型 🙂", "Größe 3 模型 🙂"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\x1b]0;title\x07\x7f\x9b", r"\x1b]0;title\x07\x7f\x9b"),
        ("\u202eevil\u2066\u200b\u2028\ufeff", r"\u202eevil\u2066\u200b\u2028\ufeff"),
        ("\udc80", r"\udc80"),  # a byte of a file name that is not UTF-8
        (3, "3"),
    ],
)
def test_control_characters_are_escaped(text: object, expected: str) -> None:
    assert printable(text) == expected
