"""Converts a functional model of Keras 2 to Keras 3, and adds layers for options that Keras 3 does not have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import operations, tables
from .allowed import FUNCTION_LAYERS
from .graph import (
    Call,
    Layer,
    Tensor,
    map_calls,
    map_tensors,
    prune,
    read_call,
    read_endpoints,
    rename_layers,
    renumber_calls,
    write,
)
from .operands import restore_operands, use_unknown_sizes
from .report import Report, unsupported
from .steps import Unsupported

Config = dict[str, Any]


class Functional:
    """Converts one functional model. Create it, then call `write` once.

    Args:
        config: configuration of the model in Keras 2's format.
        layer: converts the configuration of a layer.
        report: collects the changes.
    """

    def __init__(self, config: Mapping[str, Any], layer: Callable[[Mapping[str, Any]], Config], report: Report) -> None:
        self._layer, self._report = layer, report
        configs = {each["name"]: each for each in config["layers"]}
        self._layers = {name: Layer(each, _calls(each, set(configs))) for name, each in configs.items()}
        ends = [read_endpoints(config["input_layers"]), read_endpoints(config["output_layers"])]
        self._inputs, outputs = renumber_calls(self._layers, ends)
        use_unknown_sizes(self._layers)
        restore_operands(self._layers, outputs, report)
        removed, self._outputs = prune(self._layers, self._inputs, outputs)
        for name in removed:
            report.add(name, configs[name]["class_name"], "removed, because no output needs it")

    def write(self) -> Config:
        """Returns `layers`, `input_layers` and `output_layers` in Keras 3's format."""
        for name in list(self._layers):
            if self._layers[name].config["class_name"] in FUNCTION_LAYERS:
                self._operation(name)
            else:
                self._rewrite(name)
        return write(*rename_layers(self._layers, self._inputs, self._outputs))

    def _rewrite(self, name: str) -> None:
        """Converts the configuration of a layer, and inserts helper layers before and after the layer if necessary."""
        old = self._layers[name].config
        if any(call.kwargs.get("training") is True for call in self._layers[name].calls) and _differs_in_training(old):
            raise unsupported(name, old["class_name"], "which is called with training=True (Keras 3 ignores this)")
        new = self._layers[name].config = self._layer(old)
        if before := scaling_layer(new):
            self._insert_before(name, before)
        if after := float_layer(new, self._report):
            self._insert_after(name, after)
        if is_time_major(old):
            if old["class_name"] not in tables.WITH_STATES:
                raise unsupported(name, old["class_name"], "with time_major=True in the wrapped layer")
            self._report.add(
                name, old["class_name"], "transposes added before and after it, because Keras 3 has no time_major"
            )
            self._insert_before(name, _operation(f"{name}_by_batch", "Transpose", axes=[1, 0, 2]))
            if (old["config"].get("layer") or old)["config"]["return_sequences"]:
                self._insert_after(name, _operation(f"{name}_by_time", "Transpose", axes=[1, 0, 2]))

    def _insert_before(self, name: str, config: Config) -> None:
        new = config["config"]["name"]
        self._layers[new] = Layer(config, [Call(call.args) for call in self._layers[name].calls])
        for number, call in enumerate(self._layers[name].calls):
            call.args = [Tensor(new, number, 0)]

    def _insert_after(self, name: str, config: Config) -> None:
        new = config["config"]["name"]

        def redirected(tensor: Tensor) -> Tensor:
            return tensor._replace(layer=new) if tensor.layer == name and tensor.output == 0 else tensor

        map_calls(self._layers, redirected)
        self._outputs = map_tensors(self._outputs, redirected)
        calls = [Call([Tensor(name, number, 0)]) for number in range(len(self._layers[name].calls))]
        self._layers[new] = Layer(config, calls)

    def _operation(self, name: str) -> None:
        """Replaces a TensorFlow function with an operation of `keras.ops`."""
        layer = self._layers[name]
        class_name, config = layer.config["class_name"], layer.config["config"]
        if len(layer.calls) != 1:
            raise unsupported(name, class_name, f"which is called {len(layer.calls)} times")
        call = layer.calls[0]
        try:
            *before, last = operations.convert(config["function"], config["name"], call.args, call.kwargs)
        except Unsupported as error:
            raise unsupported(name, class_name, f"which calls {error} (Keras 3 has no such operation)") from None
        for step in before:
            self._layers[step.config["config"]["name"]] = Layer(step.config, [Call(step.args)])
        layer.config, layer.calls = last.config, [Call(last.args)]
        self._report.add(name, class_name, "TensorFlow function replaced by an operation of keras.ops")


def _calls(config: Mapping[str, Any], names: set[str]) -> list[Call]:
    unnest = config["class_name"] not in FUNCTION_LAYERS
    calls = [read_call(node, names, unnest=unnest) for node in config["inbound_nodes"]]
    for call in calls if unnest else ():
        call.kwargs = {key: value for key, value in call.kwargs.items() if value is not None}
        if config["class_name"] in tables.WITH_STATES and isinstance(call.args[0], list):
            call.args, call.kwargs["initial_state"] = call.args[0][:1], call.args[0][1:]
    return calls


def _operation(name: str, class_name: str, **options: Any) -> Config:
    return {
        "module": "keras.src.ops.numpy",
        "class_name": class_name,
        "config": {"name": name, **options},
        "registered_name": class_name,
    }


def scaling_layer(layer: Mapping[str, Any]) -> Config | None:
    """Returns the Rescaling layer that must precede an Activation layer, or None if the layer needs no Rescaling layer.

    An Activation layer needs a Rescaling layer if its activation is in `tables.SCALED`. Layers with weights do not need
    a Rescaling layer, because `weights.adjust` multiplies their weights.
    """
    config = layer["config"]
    if layer["class_name"] != "Activation" or str(config["activation"]) not in tables.SCALED:
        return None
    options = {"name": f"{config['name']}_scale", "scale": tables.SCALED[config["activation"]], "offset": 0.0}
    return {"module": "keras.layers", "class_name": "Rescaling", "config": options, "registered_name": None}


def float_layer(layer: Mapping[str, Any], report: Report) -> Config | None:
    """Returns the layer that must follow a lookup layer whose output is not ids, or None for other layers.

    The output is of floats in Keras 2, and of 64-bit integers in Keras 3.
    """
    config = layer["config"]
    if layer["class_name"] not in tables.LOOKUPS or config.get("output_mode") not in ("one_hot", "multi_hot", "count"):
        return None
    report.add(config["name"], layer["class_name"], "a layer added after it, because its output is integers in Keras 3")
    options = {"name": f"{config['name']}_as_float", "scale": 1.0, "offset": 0.0}
    return {"module": "keras.layers", "class_name": "Rescaling", "config": options, "registered_name": None}


def is_time_major(layer: Mapping[str, Any]) -> bool:
    """Whether a layer of Keras 2, or the layer that it wraps, has inputs of shape (time, batch, features)."""
    config = layer["config"]
    if not isinstance(config, dict):
        return False
    return bool(config.get("time_major")) or ("layer" in config and is_time_major(config["layer"]))


def _differs_in_training(layer: Mapping[str, Any]) -> bool:
    """Whether a layer of Keras 2 computes something else in training, such as Dropout. False if it is unknown."""
    config = layer["config"]
    if not isinstance(config, Mapping):
        return isinstance(config, list)
    rates = (config.get("dropout"), config.get("recurrent_dropout"))
    return bool(tables.IN_TRAINING.search(layer["class_name"]) or "layers" in config or any(rates))


def sequential_as_functional(layers: Sequence[Mapping[str, Any]]) -> Config:
    """Converts the layers of a Sequential to a functional model. Both are in Keras 2's format."""
    names = [each["config"]["name"] for each in layers]
    nodes = [[], *([[[name, 0, 0, {}]]] for name in names)]
    return {
        "layers": [
            {**each, "name": name, "inbound_nodes": node}
            for each, name, node in zip(layers, names, nodes, strict=False)
        ],
        "input_layers": [[names[0], 0, 0]],
        "output_layers": [[names[-1], 0, 0]],
    }
