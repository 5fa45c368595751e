"""The protocol buffer messages of TensorFlow Serving and of the Open Inference Protocol, without TensorFlow.

The package tensorflow-serving-api is not used, because it imports TensorFlow, which takes 11 s and 0.8 GB. This module
builds the message classes from `tensorflow_serving.pb` and `open_inference.pb` (see `tools/build_descriptors.py`) in
0.1 s. The classes have their own descriptor pool, so they do not clash with TensorFlow's classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

DESCRIPTORS = Path(__file__).with_name("tensorflow_serving.pb")
OPEN_INFERENCE_DESCRIPTORS = Path(__file__).with_name("open_inference.pb")


def _load(*paths: Path) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for path in filter(Path.exists, paths):
        for file in descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes()).file:
            pool.Add(file)
    return pool


POOL = _load(DESCRIPTORS, OPEN_INFERENCE_DESCRIPTORS)


def message(full_name: str) -> Any:
    """Returns a message class by its full name, such as `tensorflow.serving.PredictRequest`.

    Raises KeyError if there is no such message.
    """
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(full_name))


def __getattr__(name: str) -> Any:
    """Returns the message class `name` of the protobuf package `tensorflow.serving`, `tensorflow` or `inference`."""
    for package in ("tensorflow.serving", "tensorflow", "inference"):
        try:
            message_class = message(f"{package}.{name}")
        except KeyError:
            continue
        globals()[name] = message_class
        return message_class
    raise AttributeError(f"No API of the server has a message {name}.")
