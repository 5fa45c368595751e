"""Restores the optimizer, losses and metrics of a model from its file, if Keras 3 has them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras

from ..reading.causes import cause

# Old names of losses and metrics.
_NAMES = {
    "acc": "accuracy",
    "cosine_proximity": "cosine_similarity",
    "huber_loss": "huber",
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
}
_REDUCTIONS = {"auto": "sum_over_batch_size"}
_ACCURACY = ("accuracy", "crossentropy", "ce")  # Keras chooses the variant when training starts
_OPTIMIZERS = "SGD RMSprop Adam AdamW Adadelta Adagrad Adamax Nadam Ftrl Lion Adafactor".split()
# Options that are removed without a note.
_SILENT = ("name", "jit_compile", "is_legacy_optimizer")


def compile_model(model: keras.Model, training: Mapping[str, Any]) -> list[str]:
    """Compiles a model with the optimizer, losses and metrics of its file, without the optimizer's state.

    If Keras does not have the optimizer or a loss, the model stays uncompiled.

    Args:
        model: the model.
        training: the `training_config` of a file of Keras 2 or 3.

    Returns:
        A line of text for each change.
    """
    changes: list[str] = []
    try:
        optimizer = _optimizer(training["optimizer_config"], changes)
        loss = _each(training.get("loss"), lambda each: _function(each, keras.losses, "loss", changes))
        metrics = _each(training.get("metrics"), lambda each: _function(each, keras.metrics, "metric", changes))
        model.compile(optimizer, loss, loss_weights=training.get("loss_weights"), metrics=_without_none(metrics))
        changes.append(f"compiled with {type(optimizer).__name__}; the optimizer's state is not imported")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        changes.append(f"not compiled for training ({cause(error)})")
    return changes


def _optimizer(serialized: Mapping[str, Any], changes: list[str]) -> keras.optimizers.Optimizer:
    name = serialized["class_name"].rpartition(">")[2]
    if name not in _OPTIMIZERS:
        raise ValueError(f"unknown optimizer {name}")
    optimizer_class = getattr(keras.optimizers, name)
    known = inspect.signature(optimizer_class).parameters
    options: dict[str, Any] = {}
    for key, value in serialized["config"].items():
        if key == "lr":
            options["learning_rate"] = value
            changes.append(f"optimizer {name}: lr renamed to learning_rate")
        elif key in known and _is_plain(value) and value is not None:
            options[key] = value
        elif key == "learning_rate" and isinstance(value, dict):
            options[key] = _schedule(value)
        elif value and key not in (*_SILENT, "decay"):
            changes.append(f"optimizer {name}: {key}={value!r:.50} removed, because Keras 3 has no such option")
    if decay := serialized["config"].get("decay"):
        schedule = keras.optimizers.schedules.InverseTimeDecay
        options["learning_rate"] = schedule(options.get("learning_rate", 0.001), decay_steps=1, decay_rate=decay)
        changes.append(f"optimizer {name}: decay={decay:g} replaced by the schedule InverseTimeDecay")
    return optimizer_class(**options)


def _schedule(serialized: Mapping[str, Any]) -> Any:
    name, config = serialized["class_name"], serialized["config"]
    schedule_class = vars(keras.optimizers.schedules).get(name)
    if schedule_class is None or not all(_is_plain(value) for value in config.values()):
        raise ValueError(f"unknown learning rate schedule {name}")
    return schedule_class(**config)


def _function(serialized: Any, module: Any, role: str, changes: list[str]) -> Any:
    """Returns a loss or metric of Keras, as a name or an object. Returns None for an unknown metric.

    Raises ValueError for an unknown loss.
    """
    config: Mapping[str, Any] = {}
    if isinstance(serialized, Mapping):
        config = {key: value for key, value in (serialized.get("config") or {}).items() if key != "fn"}
        fn = (serialized.get("config") or {}).get("fn")
        serialized = serialized["class_name"] if fn is None else fn
    name = _NAMES.get(serialized, serialized) if isinstance(serialized, str) else ""
    attribute = vars(module).get(name)
    if name in _ACCURACY:
        return name
    if inspect.isfunction(attribute) and not hasattr(module, "get_" + name):
        return name
    if inspect.isclass(attribute) and all(_is_plain(value) for value in config.values()):
        config = {key: _REDUCTIONS.get(value, value) if key == "reduction" else value for key, value in config.items()}
        return attribute(**config)
    if role == "loss":
        raise ValueError(f"unknown loss {serialized!r:.50}")
    changes.append(f"{role} {serialized!r:.50} removed, because Keras does not have it")
    return None


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """Applies `change` to each loss or metric in nested lists and dictionaries."""
    if value is None:
        return None
    if isinstance(value, Mapping) and "class_name" not in value:
        return {key: _each(each, change) for key, each in value.items()}
    if isinstance(value, list):
        return [_each(each, change) for each in value]
    return change(value)


def _without_none(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_none(each) for each in value if each is not None]
    return value


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)
