"""The settings of the tests with random inputs (Hypothesis)."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

FULL = 100  # `max_examples` in the default profile of Hypothesis
settings.register_profile("quick", max_examples=FULL // 5)


def random_inputs(count: int, **others: Any) -> settings:
    """The settings of a test that runs with `count` random inputs, or with a fifth in `make quick`.

    No time limit per input, and no database of failed inputs.
    """
    share = settings.default.max_examples / FULL
    return settings(max_examples=max(1, round(count * share)), deadline=None, database=None, **others)
