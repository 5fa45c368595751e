"""Tests that the work of the manager is proportional to the number of models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.config.model_config import ModelConfig
from keras_gallery.serving.errors import ServingError
from keras_gallery.serving.lifecycle.folders import VersionFolders
from keras_gallery.serving.lifecycle.host import LocalHost
from keras_gallery.serving.lifecycle.model_versions import ModelVersions

from .fake_loader import Loader, Run, add

COUNT = 150


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the calls of each method that reads or publishes a model."""
    counts: Counter[str] = Counter()

    def count(owner: type, name: str, weight: Callable[..., int] = lambda *_: 1) -> None:
        method = getattr(owner, name)

        def counted(self: Any, *arguments: Any, **keywords: Any) -> Any:
            counts[name] += weight(*arguments)
            return method(self, *arguments, **keywords)

        monkeypatch.setattr(owner, name, counted)

    count(ModelVersions, "is_usable")
    count(ModelVersions, "assign_labels")
    count(ModelVersions, "start_poll")
    count(VersionFolders, "read")
    count(LocalHost, "publish", weight=len)
    return counts


@pytest.mark.parametrize("kind", ["missing", "broken", "good"])
def test_a_reload(run: Run, tmp_path: Path, load: Loader, calls: Counter[str], kind: str) -> None:
    configs = [ModelConfig(f"m{number}", tmp_path / str(number)) for number in range(COUNT)]
    if kind != "missing":
        for config in configs:
            add(config.base_path, 1, file=kind)
    manager = run(poll_seconds=0)
    if kind == "good":
        manager.reload(configs)
    else:
        with pytest.raises(ServingError, match=f"^{COUNT} servable"):
            manager.reload(configs)
    manager.stop()
    assert max(calls.values()) < 10 * COUNT, calls
