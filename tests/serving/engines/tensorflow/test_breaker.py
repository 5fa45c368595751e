"""Tests of pausing a signature that ends the TensorFlow process again and again. The clock is fake."""

from __future__ import annotations

import asyncio

import pytest
from keras_gallery.serving.engines.base import WouldBlock
from keras_gallery.serving.engines.tensorflow import breaker
from keras_gallery.serving.engines.tensorflow.breaker import Breaker
from keras_gallery.serving.errors import Unavailable


class Clock:
    """A clock that moves only when a test says so."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(breaker, "time", clock)
    return clock


def die(subject: Breaker, clock: Clock) -> None:
    """Begins a run during which the process ends."""
    begun = subject.begin()
    clock.now += 1
    subject.died(begun)


def test_after_two_deaths_a_signature_is_paused(clock: Clock) -> None:
    subject = Breaker("s")
    die(subject, clock)
    die(subject, clock)
    clock.now += 4
    with pytest.raises(Unavailable) as caught:
        subject.begin()
    assert str(caught.value) == (
        "Signature s is paused for 6 s, because the TensorFlow process ended 2 times while it ran this signature."
    )


def test_each_further_death_doubles_the_pause(clock: Clock) -> None:
    subject = Breaker("s")
    die(subject, clock)
    for pause in (10, 20, 40, 80, 160, 320, 600, 600):
        die(subject, clock)
        clock.now += pause - 0.5
        with pytest.raises(Unavailable):
            subject.begin()
        clock.now += 0.5


def test_a_completed_run_forgets_the_deaths(clock: Clock) -> None:
    subject = Breaker("s")
    for _ in range(5):
        die(subject, clock)
        clock.now += 1
        subject.begin()
        subject.completed()


def test_runs_that_end_with_the_same_process_count_once(clock: Clock) -> None:
    subject = Breaker("s")
    begun = [subject.begin() for _ in range(9)]
    clock.now += 1
    for each in begun:
        subject.died(each)
    clock.now += 1
    subject.begin()


def test_a_suspect_does_not_run_on_the_event_loop(clock: Clock) -> None:
    subject = Breaker("s")
    assert not subject.is_suspect
    die(subject, clock)
    assert subject.is_suspect

    async def on_event_loop() -> None:
        subject.begin()

    with pytest.raises(WouldBlock):
        asyncio.run(on_event_loop())
    subject.begin()
    subject.completed()
    assert not subject.is_suspect
    asyncio.run(on_event_loop())
