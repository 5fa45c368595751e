"""Runs the inputs that fuzzing has found (`tools/fuzz.py`) again. An input that caused an error stays a test."""

from __future__ import annotations

import pytest

from tools.fuzz_targets import CORPUS, TARGETS, corpus


@pytest.mark.parametrize("target", TARGETS)
def test_the_inputs_of_the_corpus(target: str) -> None:
    function, first = TARGETS[target]
    inputs = [*first, *corpus(target)]
    assert inputs
    for data in inputs:
        try:
            function(data)
        except Exception as error:
            error.add_note(f"input: {data!r}")
            raise


def test_each_file_is_of_a_target() -> None:
    assert {file.stem for file in CORPUS.iterdir()} == TARGETS.keys()
