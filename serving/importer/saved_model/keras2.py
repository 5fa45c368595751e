"""Rebuilds the layers of a SavedModel of Keras 2.

The configuration comes from the metadata of the SavedModel, and the weights come from its checkpoint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from ...doctor.judge import obstacle
from ...errors import FailedPrecondition, InvalidArgument
from ..keras import legacy_weights
from ..keras.keras_file import build_checked
from ..keras2 import weights as keras2_weights
from ..keras2.repair import repair
from ..reading.json_text import read_json
from ..reading.result import Options
from ..reading.vetting import vet
from .copy import KERAS_METADATA

_ADAPTED = ("mean", "variance", "count")
_LAYER = re.compile(r"root\.(layer(?:_with_weights)?-\d+)")


@dataclass(frozen=True)
class Metadata:
    """The metadata of a model in a SavedModel of Keras 2.

    Attributes:
        config: the configuration as Keras 2 writes it.
        version: version of Keras, such as "2.12.0"; "" if it is not recorded.
        layers: maps each layer's name to the attribute of the loaded SavedModel that holds the layer.
    """

    config: dict[str, Any]
    version: str
    layers: dict[str, str]


def read_metadata(folder: Path, meta_graph: Any) -> Metadata | None:
    """Reads the metadata of a SavedModel.

    Returns None if the SavedModel has no configuration of Keras 2. Raises InvalidArgument if the metadata is damaged.
    """
    nodes = _nodes(folder, meta_graph)
    if "root" not in nodes:
        return None
    root = _json(nodes["root"])
    config = root.get("model_config", root)
    if not isinstance(config, dict) or not {"class_name", "config"} <= config.keys():
        return None
    layers = {}
    for path, text in nodes.items():
        if match := _LAYER.fullmatch(path):
            layers[str(_json(text).get("name"))] = match[1]
    return Metadata({key: config[key] for key in ("class_name", "config")}, str(root.get("keras_version", "")), layers)


def rebuild(metadata: Metadata, loaded: Any, stored: int, name: str, options: Options) -> tuple[keras.Model, list[str]]:
    """Builds a Keras 3 model with the weights of a loaded SavedModel.

    Args:
        metadata: metadata of the SavedModel.
        loaded: result of `tf.saved_model.load`.
        stored: upper bound of the number of weights in the files of the SavedModel.
        name: name of the folder, for error messages.
        options: see `result.py`.

    Returns:
        The model, and a line of text for each change.

    Raises:
        ServingError: the model cannot be built.
    """
    config, changes = repair(metadata.config)
    vet(config, options)
    if problem := obstacle(config, trust=options.trust):
        raise FailedPrecondition(problem)
    model = build_checked(Path(name), config, options, stored)
    arrays = {layer: _arrays(getattr(loaded, attribute, None)) for layer, attribute in metadata.layers.items()}
    changes += legacy_weights.load(model, metadata.config, {layer: each for layer, each in arrays.items() if each})
    keras2_weights.adjust(model)
    return model, changes


def _arrays(layer: Any) -> list[Any]:
    """Returns the weights of a layer, trainable ones first."""
    trainable = list(getattr(layer, "trainable_variables", ()))
    seen = {id(each) for each in trainable}
    others = [each for each in getattr(layer, "variables", ()) if id(each) not in seen]
    # A Normalization layer has no lists of variables.
    found = [*trainable, *others] or [getattr(layer, name) for name in _ADAPTED if hasattr(layer, name)]
    return [each.numpy() for each in found]


def _nodes(folder: Path, meta_graph: Any) -> dict[str, str]:
    """Returns the JSON metadata of each Keras object by path. Keras before 2.5 wrote the metadata to saved_model.pb."""
    if (folder / KERAS_METADATA).exists():
        try:
            message = _message().FromString((folder / KERAS_METADATA).read_bytes())
        except DecodeError:
            raise InvalidArgument(f"Damaged SavedModel: {KERAS_METADATA} cannot be parsed") from None
        return {node.node_path: node.metadata for node in message.nodes}
    nodes = meta_graph.object_graph_def.nodes
    if not nodes or not nodes[0].user_object.metadata:
        return {}
    children = [("root", 0), *((f"root.{child.local_name}", child.node_id) for child in nodes[0].children)]
    return {path: nodes[number].user_object.metadata for path, number in children if 0 <= number < len(nodes)}


def _json(text: str) -> dict[str, Any]:
    value: dict[str, Any] = _plain(read_json(text.encode(), KERAS_METADATA))
    return value


def _plain(value: Any) -> Any:
    """Converts serialized tuples and shapes in a value to lists."""
    if isinstance(value, Mapping):
        if value.get("class_name") in ("__tuple__", "TensorShape"):
            return [_plain(each) for each in value["items"]]
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _message() -> Any:
    """Returns a message class for Keras 2's `SavedMetadata`: nodes (field 1), each with a path (3) and metadata (5)."""
    file = descriptor_pb2.FileDescriptorProto(name="keras_metadata.proto", package="keras_metadata", syntax="proto3")
    node = file.message_type.add(name="Node")
    text, repeated = descriptor_pb2.FieldDescriptorProto.TYPE_STRING, descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
    for name, number in (("node_path", 3), ("metadata", 5)):
        node.field.add(name=name, number=number, type=text, label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL)
    nodes = file.message_type.add(name="Nodes").field.add(name="nodes", number=1, label=repeated)
    nodes.type, nodes.type_name = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE, ".keras_metadata.Node"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("keras_metadata.Nodes"))
