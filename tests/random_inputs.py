"""Hypothesis settings for the tests with random inputs."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

FULL = 100
settings.register_profile("default", max_examples=25)  # `make test`; --hypothesis-profile full runs all
settings.register_profile("quick", max_examples=20)
settings.register_profile("full", max_examples=FULL)
settings.load_profile("default")


def random_inputs(count: int, **options: Any) -> settings:
    """Returns settings for a test with `count` random inputs. `make test` uses 25 % of them, `make quick` 20 %.

    The settings disable the time limit per input and the database of failed inputs.
    """
    share = settings.default.max_examples / FULL
    return settings(max_examples=max(1, round(count * share)), deadline=None, database=None, **options)
