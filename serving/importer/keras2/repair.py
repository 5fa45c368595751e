"""A configuration of Keras 2 as Keras 3 takes it, and a line for each change.

Keras 3 keeps classes with their modules and calls with their arguments; what else differs is in `keras2_tables.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InvalidArgument, ServingError
from ..reading.known_classes import CLASSES, NAMES
from . import tables
from .functional import Functional, chain, is_time_major, scale
from .report import Report, refused

Config = dict[str, Any]

_OPERATIONS = [module for module in CLASSES if module.startswith("keras.src.ops.")]


def is_keras2(config: Any) -> bool:
    """Whether Keras 2 wrote it: only there inputs have a batch_input_shape, and calls are lists.

    TensorFlow.js writes what Keras 2 does, and means the same by it.
    """
    if isinstance(config, Mapping):
        if "batch_input_shape" in config or any(isinstance(node, list) for node in config.get("inbound_nodes") or ()):
            return True
        return any(is_keras2(value) for value in config.values())
    return isinstance(config, list) and any(is_keras2(value) for value in config)


def repair(config: Mapping[str, Any]) -> tuple[Config, list[str]]:
    """The configuration of a model as Keras 3 takes it.

    Where Keras 2 wrote it, `keras2_weights.mend` must follow when the model has its weights.

    Args:
        config: `{"class_name": ..., "config": ...}` of Keras 2 or 3; it is left as it is.

    Returns:
        The configuration with a module for each class, and a line for each change that is more than form.

    Raises:
        FailedPrecondition: it has a layer or an option that nothing in Keras 3 takes the place of.
        InvalidArgument: it is no model's.
    """
    repairs = _Repairs(is_keras2(config))
    if not repairs.old and "module" in config:
        return dict(config), []
    try:
        return repairs.layer(config), repairs.report.lines()
    except ServingError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InvalidArgument(
            f"Expected the configuration of a Keras model. Received: one that is damaged ({error!r})"
        ) from None


class _Repairs:
    """Rewrites a configuration from the leaves up. `old`: Keras 2 wrote it; else it only lacks modules."""

    def __init__(self, old: bool) -> None:
        self.old = old
        self.report = Report()

    def layer(self, given: Mapping[str, Any]) -> Config:
        """A layer or a model."""
        class_name, config = given["class_name"], given["config"]
        if isinstance(config, list):  # a Sequential of before 2.2.3
            config = {"name": "sequential", "layers": config}
        name = config.get("name", "")
        if class_name in tables.REFUSED and self.old:
            raise refused(name, class_name, tables.REFUSED[class_name])
        if class_name in tables.REPLACED and self.old:
            new, why = tables.REPLACED[class_name]
            if why:
                self.report.add(name, class_name, f"{new} takes its place, {why}")
            class_name = new
        if class_name in tables.MODELS:
            return self._model(class_name, config)
        module = "keras.layers"
        if not self.old and "dtype" not in config:  # every layer has one; an operation has the name of a layer, maybe
            module = next((each for each in _OPERATIONS if class_name in CLASSES[each]), module)
        return _object(module, class_name, self._options(class_name, name, config))

    # === Options ===

    def _options(self, class_name: str, layer: str, config: Mapping[str, Any]) -> Config:
        renamed = tables.RENAMED.get(class_name, {}) if self.old else {}
        dropped = tables.DROPPED_OF_ALL | tables.DROPPED.get(class_name, {}) if self.old else {}
        made: Config = {}
        for key, value in config.items():
            if key in renamed:
                made[renamed[key]] = value
                self.report.add(layer, class_name, f"{key} is {renamed[key]} in Keras 3")
            elif key in dropped:
                self._drop(layer, class_name, key, value, dropped[key])
            elif class_name == "Lambda" and key in ("function", "output_shape"):
                made[key] = _code(value)
            elif class_name == "Lambda" and key in tables.LAMBDA_ONLY:
                continue
            elif tables.NUMBERS.get(class_name) == key and isinstance(value, list) and len(value) == 1:
                made[key] = value[0]
            else:
                made[key] = self._value(layer, class_name, key, value)
        if self.old:
            if "name" in made:
                made["name"] = self._name(made["name"], class_name)
            for key, value in tables.MISSING.get(class_name, {}).items():
                if key not in made:
                    made[key] = value
                    self.report.add(layer, class_name, f"{key}={value}, as it was before there was this option")
            self._check_activations(layer, class_name, made)
        return made

    def _drop(self, layer: str, class_name: str, key: str, value: Any, rule: tables.Dropped) -> None:
        if value not in rule.values and tables.ANY not in rule.values:
            raise refused(layer, class_name, f"with {key}={value!r}, which Keras 3 has not")
        if rule.why:
            self.report.add(layer, class_name, f"{key}={value} dropped, {rule.why}")

    def _value(self, layer: str, class_name: str, key: str, value: Any) -> Any:
        """An option's value: a part such as an initializer, a policy, a layer in a layer, or plain."""
        if isinstance(value, list):
            return [self._value(layer, class_name, key, each) for each in value]
        if not isinstance(value, dict) or "class_name" not in value:
            return value
        module = next((module for end, module in tables.PARTS.items() if key.endswith(end)), None)
        if module:
            return self._part(layer, class_name, key, value, module)
        if key == "dtype":
            return _object("keras", "DTypePolicy", value["config"])
        if value["class_name"] == "function" or value["class_name"].startswith("__"):
            return value
        return self.layer(value)

    def _part(self, layer: str, class_name: str, key: str, value: Mapping[str, Any], module: str) -> Config | None:
        part = tables.PART_NAMES.get(value["class_name"], value["class_name"])
        if part in tables.TRAINING_ONLY and self.old:
            self.report.add(layer, class_name, f"{key} {part} dropped, Keras 3 has none; it is for training alone")
            return None
        config = dict(value["config"])
        if self.old and config.pop("dtype", None):
            self.report.add(layer, class_name, f"{key}: dtype dropped, it is that of the layer")
        for option, values in tables.PART_VALUES.get(part, {}).items() if self.old else ():
            config[option] = values.get(config.get(option), config.get(option))
        return _object(module, part, config)

    def _check_activations(self, layer: str, class_name: str, config: Config) -> None:
        for key in ("activation", "recurrent_activation"):
            factor = tables.SCALED.get(config[key]) if isinstance(config.get(key), str) else None
            if factor and class_name not in tables.SCALABLE[key]:
                raise refused(layer, class_name, f"with {key} {config[key]}, which is another function in Keras 3")
            if factor:
                self.report.add(
                    layer,
                    class_name,
                    f"{key} {config[key]} is that of Keras 3 at {factor} times its input: the layer's weights, or its "
                    f"input, are multiplied by {factor}",
                )

    def _name(self, name: str, class_name: str) -> str:
        new = tables.new_name(name)
        if new != name:
            self.report.add(name, class_name, "/ is _ in its name, as Keras 3 wants it")
        return new

    # === Models ===

    def _model(self, class_name: str, config: Mapping[str, Any]) -> Config:
        kept = {key: config[key] for key in ("trainable",) if key in config}
        kept["name"] = self._name(config["name"], class_name) if self.old else config["name"]
        if class_name == "Functional" and self.old:
            made: Config = {**kept, **Functional(config, self.layer, self.report).write()}
        elif class_name == "Functional":
            layers = [
                {**self.layer(each), "name": each["name"], "inbound_nodes": each["inbound_nodes"]}
                for each in config["layers"]
            ]
            made = {**config, "layers": layers}
        else:
            given = _with_input(config["layers"]) if self.old else config["layers"]
            if self.old and any(is_time_major(each) for each in given):
                return self._model("Functional", {**kept, **chain(given)})
            made = {**kept, "layers": [part for each in given for part in self._scaled(self.layer(each))]}
        return {
            "module": tables.MODELS[class_name],
            "class_name": class_name,
            "config": made,
            "registered_name": class_name if class_name == "Functional" else None,
        }

    def _scaled(self, layer: Config) -> list[Config]:
        """A layer, behind one that multiplies its input where its function is not that of Keras 2."""
        before = scale(layer) if self.old else None
        return [layer] if before is None else [before, layer]


def _object(module: str, class_name: str, config: Config) -> Config:
    """An object in Keras 3's form; a class of somebody's own is found by the name that it is registered under."""
    return {
        "module": module,
        "class_name": class_name.rpartition(">")[2],
        "config": config,
        "registered_name": None if class_name in NAMES else class_name,
    }


def _with_input(layers: list[Config]) -> list[Config]:
    """A Sequential's layers with its input as the first; before 2.2 only the first layer knew the shape."""
    if not layers or layers[0]["class_name"] == "InputLayer":
        return layers
    first: Any = layers[0]
    while "layers" in first["config"]:
        first = first["config"]["layers"][0]
    shape = first["config"].get("batch_input_shape")
    if shape is None:
        return layers
    dtype = first["config"].get("input_dtype") or ("int32" if first["class_name"] == "Embedding" else "float32")
    options = {"batch_input_shape": shape, "dtype": dtype, "name": f"{first['config']['name']}_input"}
    return [{"class_name": "InputLayer", "config": options}, *layers]


def _code(function: Any) -> Any:
    """A Lambda's code in Keras 3's form; it is refused later, unless the file is trusted."""
    if not isinstance(function, list) or len(function) != 3:
        return function
    return {"class_name": "__lambda__", "config": dict(zip(("code", "defaults", "closure"), function, strict=True))}
