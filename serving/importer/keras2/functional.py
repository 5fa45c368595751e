"""A functional model of Keras 2: its layers and functions in Keras 3's form, and what has to stand between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import operations, tables
from .graph import Call, Layer, Tensor, change_all, each_tensor, from_zero, prune, read_call, read_ends, renamed, write
from .report import Report, refused

Config = dict[str, Any]


class Functional:
    """Rewrites one functional model.

    Args:
        config: its configuration in Keras 2's form.
        layer: rewrites the configuration of a layer.
        report: told of every change.
    """

    def __init__(self, config: Mapping[str, Any], layer: Callable[[Mapping[str, Any]], Config], report: Report) -> None:
        self._layer, self._report = layer, report
        given = {each["name"]: each for each in config["layers"]}
        self._layers = {name: Layer(each, _calls(each, set(given))) for name, each in given.items()}
        ends = [read_ends(config["input_layers"]), read_ends(config["output_layers"])]
        self._inputs, outputs = from_zero(self._layers, ends)
        gone, self._outputs = prune(self._layers, self._inputs, outputs)
        for name in gone:
            report.add(name, given[name]["class_name"], "dropped, no output needs it")

    def write(self) -> Config:
        """`layers`, `input_layers` and `output_layers` as Keras 3 has them."""
        for name in list(self._layers):
            if self._layers[name].config["class_name"] in operations.LAYERS:
                self._operation(name)
            else:
                self._rewrite(name)
        return write(*renamed(self._layers, self._inputs, self._outputs))

    def _rewrite(self, name: str) -> None:
        """Gives a layer its new configuration, and the layers that it needs before and behind it."""
        given = self._layers[name].config
        made = self._layers[name].config = self._layer(given)
        if before := scale(made):
            self._put_before(name, before)
        if is_time_major(given):
            if given["class_name"] not in tables.WITH_STATES:
                raise refused(name, given["class_name"], "with time_major=True in a layer that it wraps")
            self._report.add(name, given["class_name"], "its sequences are transposed before and behind it")
            self._put_before(name, _operation(f"{name}_by_batch", "Transpose", axes=[1, 0, 2]))
            if (given["config"].get("layer") or given)["config"]["return_sequences"]:
                self._put_behind(name, _operation(f"{name}_by_time", "Transpose", axes=[1, 0, 2]))

    def _put_before(self, name: str, config: Config) -> None:
        new = config["config"]["name"]
        self._layers[new] = Layer(config, [Call(call.args) for call in self._layers[name].calls])
        for number, call in enumerate(self._layers[name].calls):
            call.args = [Tensor(new, number, 0)]

    def _put_behind(self, name: str, config: Config) -> None:
        new = config["config"]["name"]

        def moved(tensor: Tensor) -> Tensor:
            return tensor._replace(layer=new) if tensor.layer == name and tensor.output == 0 else tensor

        change_all(self._layers, moved)
        self._outputs = each_tensor(self._outputs, moved)
        calls = [Call([Tensor(name, number, 0)]) for number in range(len(self._layers[name].calls))]
        self._layers[new] = Layer(config, calls)

    def _operation(self, name: str) -> None:
        """Gives a function's place to an operation."""
        layer = self._layers[name]
        kind, config = layer.config["class_name"], layer.config["config"]
        if len(layer.calls) != 1:
            raise refused(name, kind, f"which is called {len(layer.calls)} times")
        call = layer.calls[0]
        if call.kwargs.pop("transpose_b", False):
            swap = _operation(f"{name}_transposed", "Swapaxes", axis1=-2, axis2=-1)
            self._layers[swap["config"]["name"]] = Layer(swap, [Call([call.kwargs["b"]])])
            call.kwargs["b"] = Tensor(swap["config"]["name"], 0, 0)
        made = operations.convert(config["function"], config["name"], call.args, call.kwargs)
        if isinstance(made, str):
            raise refused(name, kind, f"which calls {made} (no operation of Keras 3 is known for it)")
        layer.config, args = made
        layer.calls = [Call(args)]
        self._report.add(name, kind, "TensorFlow's function is that of keras.ops")


def _calls(given: Mapping[str, Any], names: set[str]) -> list[Call]:
    unnest = given["class_name"] not in operations.LAYERS
    calls = [read_call(node, names, unnest=unnest) for node in given["inbound_nodes"]]
    for call in calls if unnest else ():
        call.kwargs = {key: value for key, value in call.kwargs.items() if value is not None}
        if given["class_name"] in tables.WITH_STATES and isinstance(call.args[0], list):
            call.args, call.kwargs["initial_state"] = call.args[0][:1], call.args[0][1:]
    return calls


def _operation(name: str, class_name: str, **options: Any) -> Config:
    return {
        "module": "keras.src.ops.numpy",
        "class_name": class_name,
        "config": {"name": name, **options},
        "registered_name": class_name,
    }


def scale(layer: Mapping[str, Any]) -> Config | None:
    """The layer to put before one whose function is Keras 2's at a multiple of its input; None for all others.

    Layers with weights need none: their weights are multiplied, see `keras2_weights.mend`.
    """
    config = layer["config"]
    if layer["class_name"] != "Activation" or config["activation"] not in tables.SCALED:
        return None
    options = {"name": f"{config['name']}_scale", "scale": tables.SCALED[config["activation"]], "offset": 0.0}
    return {"module": "keras.layers", "class_name": "Rescaling", "config": options, "registered_name": None}


def is_time_major(given: Mapping[str, Any]) -> bool:
    """Whether a layer of Keras 2 takes (time, batch, features), or one that is wrapped in it does."""
    config = given["config"]
    if not isinstance(config, dict):
        return False
    return bool(config.get("time_major")) or ("layer" in config and is_time_major(config["layer"]))


def chain(layers: Sequence[Mapping[str, Any]]) -> Config:
    """A Sequential's layers as a functional model, both in Keras 2's form."""
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
