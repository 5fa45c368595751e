"""Replaces recurrent layers in an OpenVINO model with OpenVINO's fused operations.

TensorFlow writes a recurrent layer as a loop: each step takes a row of the sequence, computes the new states, and
writes the output into a list. OpenVINO would run this loop step by step. That takes about twenty times as long as
OpenVINO's fused operation for the whole layer. Other loops are left unchanged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from openvino import Symbol
from openvino import opset15 as ops
from openvino.passes import ConstantFolding, Manager

from .loops import Layer, layer_of

_SWAPPED = np.array([1, 0, 2])  # transposes (batch, time, …) to (time, batch, …), and back


def fuse(model: Any) -> None:
    """Replaces the loops of recurrent layers in an `openvino.Model` in place."""
    if not loops(model):
        return
    constant_folding = Manager()  # if a bias is a slice of a constant matrix, makes the bias a constant
    constant_folding.register_pass(ConstantFolding())
    constant_folding.run_passes(model)
    _name_dimensions(model)
    layers = [(loop, layer_of(loop)) for loop in loops(model)]
    # Last loop first: `layers` holds outputs of the original loops, and the input of a loop can be an output of an
    # earlier loop, which must not be replaced yet.
    for loop, layer in reversed(layers):
        if layer is not None:
            _replace(loop, layer)
    model.validate_nodes_and_infer_types()


def loops(model: Any) -> list[Any]:
    """Returns the loops in a model, in topological order."""
    return [node for node in model.get_ordered_ops() if node.get_type_name() == "Loop"]


def _name_dimensions(model: Any) -> None:
    """Gives a new symbol to each dynamic dimension that has none, so that `layer_of` can tell which are equal.

    The type inference of OpenVINO copies the symbol of an input to the outputs that have the same dimension.
    """
    for node in model.get_ordered_ops():
        node.validate_and_infer_types()
        for index, output in enumerate(node.outputs()):
            shape = output.get_partial_shape()
            if shape.rank.is_dynamic or shape.is_static:
                continue
            for at, dimension in enumerate(shape):
                if dimension.is_dynamic and not dimension.has_symbol():
                    dimension.set_symbol(Symbol())
                    shape[at] = dimension
            node.set_output_type(index, output.get_element_type(), shape)


def _replace(loop: Any, layer: Layer) -> None:
    x = ops.transpose(layer.sequence, _SWAPPED)  # (batch, time, features)
    shape = ops.shape_of(x)
    batch, time = (ops.gather(shape, np.array([axis]), np.int64(0)) for axis in (0, 1))
    states = [ops.unsqueeze(state, np.int64(1)) for state in layer.states]  # (batch, 1, units)
    fused = layer.cell.build([x, *states, ops.broadcast(time, batch)], layer.weights)
    all_steps, *last = fused.outputs()  # (batch, 1, time, units), (batch, 1, units)
    for index, content in layer.outputs.items():
        if content == "all":
            node = ops.transpose(ops.squeeze(all_steps, np.int64(1)), _SWAPPED)  # (time, batch, units)
        elif content == "last":
            node = ops.transpose(last[0], _SWAPPED)  # (1, batch, units)
        else:
            node = ops.squeeze(last[content], np.int64(1))  # (batch, units)
        loop.output(index).replace(node.output(0))
