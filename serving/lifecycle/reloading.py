"""Waiting for the models of a reload, and the errors of a reload, with TensorFlow Serving's messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ..config.model_config import ModelConfig
from ..errors import FailedPrecondition, ServingError
from .model_versions import ModelVersions


def all_of(names: Iterable[str], is_settled: Callable[[str], bool]) -> Callable[[], bool]:
    """Returns a function that returns whether all models are settled.

    The function is called after each change. It continues with the model that was not settled at the last call, so
    that the time for all calls together is proportional to the number of models.

    Args:
        names: the names of the models.
        is_settled: returns whether the model with this name is settled.
    """
    names = list(names)
    waiting = names[::-1]

    def all_settled() -> bool:
        while waiting and is_settled(waiting[-1]):
            waiting.pop()
        if not waiting:  # a model that was settled before may have changed
            waiting.extend(name for name in names if not is_settled(name))
        return not waiting

    return all_settled


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
    failed = [name for name in sorted(new) if not models[name].is_usable()]
    if failed:  # in TensorFlow Serving's words, which name the highest version of each model
        reasons = "".join(f"{{{_failure(name, models[name])}}}, " for name in failed)
        raise ServingError(f"{len(failed)} servable(s) did not become available: {{{reasons}}}")
    for config in configs:
        for label, version in config.labels.items():
            if models[config.name].labels.get(label) != version:
                raise FailedPrecondition(
                    f"Request to assign label to version {version} of model {config.name}, "
                    "which is not currently available for inference"
                )


def _failure(name: str, versions: ModelVersions) -> str:
    """Returns the highest version of a model with its error."""
    for last in versions.statuses():
        return f"{{name: {name} version: {last.number}}} due to error: {last.error_code}: {last.error_message}"
    return f"{{name: {name}}} due to error: no versions found under base path"
