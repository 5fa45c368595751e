"""Hypothesis settings for the tests with random inputs."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

FULL = 100  # `max_examples` in the default profile of Hypothesis
settings.register_profile("quick", max_examples=FULL // 5)


def random_inputs(count: int, **options: Any) -> settings:
    """Returns settings for a test with `count` random inputs. `make quick` uses a fifth of `count`.

    The settings disable the time limit per input and the database of failed inputs.
    """
    share = settings.default.max_examples / FULL
    return settings(max_examples=max(1, round(count * share)), deadline=None, database=None, **options)
