"""Converts a model's configuration to Keras 2 format, which Keras 3 reads as well.

In Keras 2, some options have other names, the inputs of a layer are described differently, and classes have no module.
Keras 2 and 3 count calls of sub-models differently, so the model must not have sub-models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

VERSION = "2.15.0"  # the last version of the package keras with Keras 2

# Layers that are the same in Keras 2 and 3.
_LAYERS = frozenset(
    "InputLayer Dense Embedding Masking SimpleRNN LSTM GRU Bidirectional TimeDistributed "
    "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose SeparableConv1D SeparableConv2D DepthwiseConv2D "
    "MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D "
    "GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D "
    "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D "
    "ZeroPadding1D ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D Cropping3D UpSampling1D UpSampling2D UpSampling3D "
    "Flatten Reshape Permute RepeatVector Add Subtract Multiply Average Maximum Minimum Concatenate Dot "
    "Activation Identity Softmax ReLU LeakyReLU ELU PReLU Rescaling "
    "BatchNormalization LayerNormalization Normalization UnitNormalization "
    "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianNoise GaussianDropout AlphaDropout "
    "ActivityRegularization".split()
)
_ACTIVATIONS = frozenset("linear elu selu softplus softsign relu gelu tanh sigmoid exponential softmax silu".split())
# Options that Keras 2 lacks, with the value for which the layer is the same as in Keras 2.
_LACKING: Mapping[str, Any] = {
    "optional": False,
    "quantization_config": None,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
    "rms_scaling": False,
    "synchronized": False,
    "zero_output_for_mask": False,
}
_RENAMED = {("InputLayer", "batch_shape"): "batch_input_shape", ("LeakyReLU", "negative_slope"): "alpha"}
_UNUSED = ("seed", "initializer", "regularizer", "constraint")  # suffixes of options that are used in training only
_MASKS = ("NotEqual", "Any")  # operations that compute masks


class NoKeras2Form(Exception):
    """Keras 2 lacks a layer or option. The message names the layer."""


def without_masks(config: dict[str, Any]) -> None:
    """Removes the operations that compute masks from a functional model's configuration.

    The layers do not need these operations, because Keras passes masks from layer to layer.
    """
    masks = {layer["name"] for layer in config["layers"] if layer["class_name"] in _MASKS}
    config["layers"] = [layer for layer in config["layers"] if layer["name"] not in masks]
    for layer in config["layers"]:
        for node in layer["inbound_nodes"]:
            if isinstance(mask := node["kwargs"].get("mask"), dict) and _source(mask)[0] in masks:
                node["kwargs"]["mask"] = None


def keras2_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Converts the configuration of a functional model from Keras 3 to Keras 2 format.

    Raises NoKeras2Form if Keras 2 lacks a layer, an option or an activation of the model.
    """
    layers = []
    for layer in config["layers"]:
        nodes = [_node(layer["name"], node) for node in layer["inbound_nodes"]]
        layers.append({**_layer(layer), "name": layer["name"], "inbound_nodes": nodes})
    ends = {key: _ends(config[key]) for key in ("input_layers", "output_layers")}
    return {"name": config["name"], "trainable": config["trainable"], "layers": layers, **ends}


def _layer(serialized: Mapping[str, Any]) -> dict[str, Any]:
    kind, name = serialized["class_name"], serialized["config"].get("name")
    if kind not in _LAYERS:
        raise NoKeras2Form(f"{name} is of class {kind}")
    config = dict(_options(kind, name, serialized["config"]))
    if kind == "Identity":  # older versions of Keras 2 lack this layer
        return {"class_name": "Activation", "config": config | {"activation": "linear"}}
    return {"class_name": kind, "config": config}


def _options(kind: str, name: str, config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if key == "dtype":
            yield key, _dtype(name, value)
        elif key.endswith("activation"):
            if value not in _ACTIVATIONS:
                raise NoKeras2Form(f"{name} has the {key} {value}")
            yield key, "swish" if value == "silu" else value
        elif key in ("layer", "backward_layer"):
            yield key, {**_layer(value), "module": "keras.layers", "registered_name": None}
        elif key in _LACKING:
            if value != _LACKING[key]:
                raise NoKeras2Form(f"{name} has {key}={value}")
        elif not key.endswith(_UNUSED):
            yield _RENAMED.get((kind, key), key), value


def _dtype(name: str, dtype: Any) -> str:
    policy = dtype["config"]["name"] if isinstance(dtype, dict) else dtype
    if policy.startswith("mixed"):
        raise NoKeras2Form(f"{name} has the dtype policy {policy}")
    return str(policy)


def _node(name: str, node: Mapping[str, Any]) -> list[list[Any]]:
    """Returns the sources of the inputs of a layer's call: [[layer, call, output, {}], …]."""
    for key, value in node["kwargs"].items():
        if value is not None and key != "training":
            raise NoKeras2Form(f"{name} is called with {key}")
    if len(node["args"]) != 1:
        raise NoKeras2Form(f"{name} is called with {len(node['args'])} arguments")
    inputs = node["args"][0]
    return [[*_source(each), {}] for each in (inputs if isinstance(inputs, list) else [inputs])]


def _source(tensor: Mapping[str, Any]) -> list[Any]:
    return list(tensor["config"]["keras_history"])


def _ends(ends: Any) -> Any:
    """Returns the model's inputs or outputs in the form of Keras 2: a list or a dict of [layer, call, output].

    Keras 3 may write a single [layer, call, output] without a list around it.
    """
    return [ends] if isinstance(ends, list) and isinstance(ends[0], str) else ends
