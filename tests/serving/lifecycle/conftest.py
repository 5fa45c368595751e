"""Fixtures: a fake loader, and managers that use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from keras_gallery.serving import memory
from keras_gallery.serving.config.model_config import ModelConfig
from keras_gallery.serving.lifecycle.manager import Manager

from .fake_loader import SECONDS, Loader, Run


@pytest.fixture(autouse=True)
def kept_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Giving memory back takes long in a process that has run many tests."""
    monkeypatch.setattr(memory, "give_back", lambda: None)


@pytest.fixture
def load() -> Loader:
    return Loader()


@pytest.fixture
def run(load: Loader) -> Iterator[Run]:
    """Returns a function that starts a manager and waits until it has settled. Stops all managers after the test."""
    started: list[Manager] = []

    def start(*configs: ModelConfig, **options: Any) -> Manager:
        manager = Manager(configs, load.host, **{"poll_seconds": 0.02, "retries": 0} | options)
        started.append(manager)
        manager.start()
        assert manager.wait_until_settled(SECONDS)
        return manager

    yield start
    for manager in started:
        manager.stop()
