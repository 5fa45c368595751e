"""Tests of the command line that a command prints as the next step."""

from __future__ import annotations

import pytest
from keras_gallery.cli.command import serve_command


@pytest.mark.parametrize(
    ("name", "folder", "expected"),
    [
        ("digits", "saved_models", "gallery serve digits"),
        ("my encoder", "/srv/my models", "gallery serve 'my encoder' --saved-models '/srv/my models'"),
    ],
)
def test_the_command_that_serves_a_model(name: str, folder: str, expected: str) -> None:
    assert serve_command(name, folder) == expected
