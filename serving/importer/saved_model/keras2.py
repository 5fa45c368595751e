"""The layers of a SavedModel of Keras 2: its metadata have the configuration, the checkpoint has the weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from ...errors import InvalidArgument
from ..keras import legacy_weights
from ..keras.keras_file import build_justified
from ..keras2 import weights as keras2_weights
from ..keras2.repair import repair
from ..reading.result import Options
from ..reading.json_text import read_json
from ..reading.vetting import vet
from .copy import KERAS_METADATA

_LAYER = re.compile(r"root\.(layer(?:_with_weights)?-\d+)")


@dataclass(frozen=True)
class Metadata:
    """What Keras 2 says of a model.

    Attributes:
        config: the configuration, in Keras 2's form.
        version: such as "2.12.0"; "" where it does not say.
        layers: where each layer is in the graph's objects, by its name.
    """

    config: dict[str, Any]
    version: str
    layers: dict[str, str]


def read_metadata(folder: Path, meta_graph: Any) -> Metadata | None:
    """The metadata of a SavedModel; None where Keras 2 has not written it. Raises InvalidArgument for damaged ones."""
    nodes = _nodes(folder, meta_graph)
    if "root" not in nodes:
        return None
    root = _json(nodes["root"])
    given = root.get("model_config", root)
    if not isinstance(given, dict) or not {"class_name", "config"} <= given.keys():
        return None
    layers = {}
    for path, text in nodes.items():
        if found := _LAYER.fullmatch(path):
            layers[str(_json(text).get("name"))] = found[1]
    return Metadata({key: given[key] for key in ("class_name", "config")}, str(root.get("keras_version", "")), layers)


def rebuild(metadata: Metadata, loaded: Any, held: int, name: str, options: Options) -> tuple[keras.Model, list[str]]:
    """A Keras 3 model with the weights of a loaded SavedModel.

    Args:
        metadata: of the SavedModel.
        loaded: what `tf.saved_model.load` gave.
        held: how many numbers its files hold at most.
        name: of the folder, for errors.
        options: see `found.py`.

    Returns:
        The model, and a line for each change.

    Raises:
        ServingError: it can't be built; the error says why.
    """
    config, changes = repair(metadata.config)
    vet(config, options)
    model = build_justified(Path(name), config, options, held)
    arrays = {layer: _arrays(getattr(loaded, place, None)) for layer, place in metadata.layers.items()}
    changes += legacy_weights.load(model, metadata.config, {layer: found for layer, found in arrays.items() if found})
    keras2_weights.mend(model)
    return model, changes


def _arrays(layer: Any) -> list[Any]:
    """The weights of a layer: those that are trained, then the others."""
    trained = list(getattr(layer, "trainable_variables", ()))
    seen = {id(each) for each in trained}
    others = [each for each in getattr(layer, "variables", ()) if id(each) not in seen]
    return [each.numpy() for each in [*trained, *others]]


def _nodes(folder: Path, meta_graph: Any) -> dict[str, str]:
    """The metadata of every Keras object by its path. Before 2.5 they were in saved_model.pb itself."""
    if (folder / KERAS_METADATA).exists():
        try:
            found = _message().FromString((folder / KERAS_METADATA).read_bytes())
        except DecodeError:
            raise InvalidArgument(f"Expected a whole {KERAS_METADATA}. Received: one that is damaged") from None
        return {node.node_path: node.metadata for node in found.nodes}
    nodes = meta_graph.object_graph_def.nodes
    if not nodes or not nodes[0].user_object.metadata:
        return {}
    children = [("root", 0), *((f"root.{child.local_name}", child.node_id) for child in nodes[0].children)]
    return {path: nodes[number].user_object.metadata for path, number in children if 0 <= number < len(nodes)}


def _json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = _plain(read_json(text.encode(), KERAS_METADATA))
    return found


def _plain(value: Any) -> Any:
    """Tuples and shapes as lists."""
    if isinstance(value, Mapping):
        if value.get("class_name") in ("__tuple__", "TensorShape"):
            return [_plain(each) for each in value["items"]]
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _message() -> Any:
    """The class of Keras 2's `SavedMetadata`: nodes (1), each with its path (3) and metadata (5)."""
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
