"""The errors of a reload, with TensorFlow Serving's messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..config.model_config import ModelConfig
from ..errors import FailedPrecondition, ServingError
from .model_versions import ModelVersions


def check_reload(models: Mapping[str, ModelVersions], configs: Sequence[ModelConfig], new: Sequence[str]) -> None:
    """Checks whether a reload has had the effect that the client wants. Call it with the models' lock held.

    Args:
        models: all models by name.
        configs: the models of the reload.
        new: the names of the models that were not served before.

    Raises:
        ServingError: a new model has no version that can be loaded.
        FailedPrecondition: a label names a version that is not available.
    """
    reasons = []
    for name in new:
        if not models[name].is_usable():
            failures = [f"{{name: {name} version: {s.number}}} due to error: {s.error_code}: {s.error_message}"
                        for s in models[name].statuses()]  # fmt: skip
            reasons += failures or [f"{{name: {name}}} due to error: no versions found under base path"]
    if reasons:
        raise ServingError(f"{len(reasons)} servable(s) did not become available: {{{', '.join(reasons)}}}")
    for config in configs:
        for label, version in config.labels.items():
            if models[config.name].labels.get(label) != version:
                raise FailedPrecondition(
                    f"Request to assign label to version {version} of model {config.name}, "
                    "which is not currently available for inference"
                )
