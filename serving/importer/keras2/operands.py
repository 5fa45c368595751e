"""Restores arguments of TensorFlow functions that Keras 2 does not save, or that only the graph of a model has.

Keras 2 saves neither the second operand of == and !=, nor the tensors of tf.einsum. It cannot load such files itself.
"""

from __future__ import annotations

from typing import Any

from ...errors import FailedPrecondition
from .graph import Call, Layer, Tensor, map_tensors, tensors
from .report import Report

_COMPARISONS = {"__operators__.eq": ("==", "tf.equal"), "__operators__.ne": ("!=", "tf.not_equal")}
_REMEDY = "in the program that created the model, save it with model.save(FOLDER, save_format='tf')"
# Functions with several outputs. It is unknown which output is the operand.
_SEVERAL = ("split", "unstack", "math.top_k", "nn.top_k", "meshgrid", "nn.moments")


def restore_operands(layers: dict[str, Layer], outputs: Any, report: Report) -> None:
    """Restores the operands of ==, != and tf.einsum if only one choice is possible. Modifies `layers`.

    An operand is a tensor that nothing else uses, because the operation is what uses it.

    Raises:
        FailedPrecondition: several choices are possible.
    """
    lost = [name for name, layer in layers.items() if any(_is_lost(layer, call) for call in layer.calls)]
    for name in lost:
        layer = layers[name]
        function, call = layer.config["config"]["function"], layer.calls[0]
        operator, other = _COMPARISONS.get(function, ("tf.einsum", ""))
        operands = _operands(name, call, function, layers, outputs) if len(lost) == len(layer.calls) == 1 else None
        if operands is None:
            remedy = f"{_REMEDY}, or replace {operator} by {other}(a, b)" if other else _REMEDY
            raise FailedPrecondition(
                f"Keras 2 did not save the operands of {operator} (layer {name!r}), and cannot load this file: {remedy}"
            )
        if other:
            call.kwargs["y"] = operands[0]
        else:
            call.kwargs["inputs"] = operands
        names = ", ".join(dict.fromkeys(each.layer for each in operands))
        change = f"Keras 2 did not save the operands of {operator}; {names} is the only possible operand"
        report.add(name, "TFOpLambda", change)


def _is_lost(layer: Layer, call: Call) -> bool:
    function = layer.config["config"].get("function") if layer.config["class_name"] == "TFOpLambda" else None
    return (function in _COMPARISONS and not call.kwargs) or (function == "einsum" and isinstance(call.args[0], str))


def _operands(name: str, call: Call, function: str, layers: dict[str, Layer], outputs: Any) -> list[Tensor] | None:
    """Returns the operands, or None if several choices are possible."""
    calls = [[each.args, each.kwargs] for layer in layers.values() for each in layer.calls]
    used = {tensor.layer for tensor in tensors([calls, outputs])}
    earlier = list(layers)[: list(layers).index(name)]
    unused = [each for each in earlier if each not in used]
    count = 1 if function in _COMPARISONS else str(call.args[0]).partition("->")[0].count(",") + 1
    if len(unused) != 1 or (count > 1 and earlier != unused) or _several_outputs(layers[unused[0]]):
        return None
    return [Tensor(unused[0], 0, 0)] * count


def _several_outputs(layer: Layer) -> bool:
    config = layer.config["config"]
    function = str(config.get("function")).removeprefix("compat.v1.")
    return bool(len(layer.calls) > 1 or function in _SEVERAL or config.get("return_state") or "layers" in config)


def use_unknown_sizes(layers: dict[str, Layer]) -> None:
    """Replaces a size in the shape of tf.reshape that the model computes by -1. Modifies `layers`.

    A shape may have one unknown size, such as tf.shape(x)[0], because the number of values does not change.
    """
    for layer in layers.values():
        if layer.config["config"].get("function") in ("reshape", "compat.v1.reshape"):
            for call in layer.calls:
                shape = call.kwargs.get("shape")
                if isinstance(shape, list) and len(list(tensors(shape))) == 1 and -1 not in shape:
                    call.kwargs["shape"] = map_tensors(shape, lambda tensor: -1)
