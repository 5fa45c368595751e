"""The protocol buffer messages of TensorFlow Serving, without TensorFlow.

The package tensorflow-serving-api is not used, because it imports TensorFlow, which takes 11 s and 0.8 GB. This module
builds the message classes from `tensorflow_serving.pb` (see `tools/build_descriptors.py`) in 0.1 s. The classes have
their own descriptor pool, so they do not clash with TensorFlow's classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

DESCRIPTORS = Path(__file__).with_name("tensorflow_serving.pb")


def _load(path: Path) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes()).file:
        pool.Add(file)
    return pool


POOL = _load(DESCRIPTORS) if DESCRIPTORS.exists() else descriptor_pool.DescriptorPool()


def message(full_name: str) -> Any:
    """Returns a message class by its full name, such as `tensorflow.serving.PredictRequest`.

    Raises KeyError if there is no such message.
    """
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(full_name))


def __getattr__(name: str) -> Any:
    """Returns the message class `name` of the protobuf package `tensorflow.serving` or `tensorflow`."""
    for package in ("tensorflow.serving", "tensorflow"):
        try:
            message_class = message(f"{package}.{name}")
        except KeyError:
            continue
        globals()[name] = message_class
        return message_class
    raise AttributeError(f"TensorFlow Serving has no message {name}.")
