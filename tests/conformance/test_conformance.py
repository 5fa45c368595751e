"""Compares our server's answers with the recorded answers of a real TensorFlow Serving 2.20.0.

`cases/` has the requests, `golden.json` has the recorded answers, and `setups.json` has the flags of the servers. If
our answer is better on purpose, `better.json` has our answer, and docs/compatibility.md gives the reason.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .asking import load_cases
from .comparing import differences
from .conftest import HERE, SETUPS, real

CASES = load_cases(HERE / "cases")
GOLDEN: dict[str, Any] = json.loads((HERE / "golden.json").read_text())
BETTER: dict[str, Any] = json.loads((HERE / "better.json").read_text())
COMPATIBILITY = Path(__file__).parents[2] / "docs" / "compatibility.md"


@pytest.mark.parametrize(
    ("setup", "case"),
    [pytest.param(setup, case, id=case["name"]) for setup, cases in CASES.items() for case in cases],
)
def test_recorded_answer(servers: Any, setup: str, case: dict[str, Any]) -> None:
    want = GOLDEN[case["name"]] if real() else BETTER.get(case["name"], GOLDEN[case["name"]])
    running = servers(setup)
    deadline = time.monotonic() + case.get("wait", 0)
    while (wrong := differences(case, want, running.ask(case))) and time.monotonic() < deadline:
        time.sleep(0.05)  # the answer changes to the expected one after some time
    assert not wrong, "\n".join(wrong)


def test_every_recorded_answer_has_a_case() -> None:
    names = [case["name"] for cases in CASES.values() for case in cases]
    assert sorted(names) == sorted(GOLDEN)
    assert CASES.keys() == SETUPS.keys()


def test_better_answers_are_few_and_documented() -> None:
    assert len(BETTER) <= 10
    text = COMPATIBILITY.read_text()
    for name in BETTER:
        assert f"`{name}`" in text
        assert BETTER[name] != GOLDEN[name]
