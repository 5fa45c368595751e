"""Tests of the functions in `comparing.py`."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from .comparing import differences

ANSWER = {"status": 200, "headers": {"content-type": "application/json"}, "body": '{"predictions": [1.0, NaN, "a"]}'}


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(ANSWER), **changes}


@pytest.mark.parametrize(
    "got",
    [
        changed(status=201),
        changed(headers={}),
        changed(headers={"content-type": "text/html"}),
        changed(body='{"predictions": [1.001, NaN, "a"]}'),
        changed(body='{"predictions": [1, NaN, "a"]}'),
        changed(body='{"predictions": [1.0, 2.0, "a"]}'),
        changed(body='{"predictions": [1.0, NaN]}'),
        changed(body='{"predictions": [1.0, NaN, "a"], "more": 1}'),
        changed(body="no JSON"),
        {"closed": "OSError"},
    ],
)
def test_answers_that_differ(got: dict[str, Any]) -> None:
    assert differences({}, ANSWER, got)


def test_options_of_the_comparison() -> None:
    assert not differences({}, ANSWER, changed(body='{"predictions":[1.00001,NaN,"a"]}'))
    assert differences({"exact": True}, ANSWER, changed(body='{"predictions":[1.0,NaN,"a"]}'))
    assert not differences({"ignore": ["status", "body.predictions.2"]}, ANSWER, changed(status=3))
    refused = {"status": 400, "body": '{"error": "at node 5"}'}
    assert not differences({"message_re": r"at node \d+"}, refused, {**refused, "body": '{"error": "at node 77"}'})
    assert differences({"message_re": r"at node \d+"}, refused, {**refused, "body": '{"error": "at node x"}'})
    assert differences({}, {"metrics": ["a", "b"]}, {"metrics": ["a", "c"]}) == ["missing metric: b"]
