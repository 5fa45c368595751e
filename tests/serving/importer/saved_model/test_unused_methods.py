"""Tests of SavedModels with functions that read datasets and that nobody runs: they are removed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from keras_gallery.serving.wire import messages

from .test_folder import FLOATS, print_to_file, read, save_to_file


def with_methods(place: Path, **methods: Callable[[Any, Any], Any]) -> Path:
    """Saves a module with a signature, and with methods that the signature does not call."""
    module = tf.Module()
    module.weight = tf.Variable(np.ones((3, 2), np.float32))
    module.ask = tf.function(lambda x: {"y": x @ module.weight}, input_signature=[FLOATS])
    for name, function in methods.items():
        setattr(module, name, tf.function(functools.partial(function, module), input_signature=[FLOATS]))
    tf.saved_model.save(module, str(place), signatures=module.ask)
    return place


def test_methods_that_no_signature_calls_are_removed(tmp_path: Path) -> None:
    def read_dataset(module: Any, x: Any) -> Any:
        for row in tf.data.Dataset.from_tensor_slices(x):
            module.weight.assign_add(tf.zeros((3, 2)) + tf.reduce_sum(row))
        return x

    result = read(
        with_methods(
            tmp_path / "m", adapt=read_dataset, store=save_to_file, log=print_to_file, twice=lambda _, x: 2 * x
        )
    )
    assert result.changes == [
        "functions adapt, log, store removed: no signature calls them, and imported graphs may only compute"
    ]
    loaded = tf.saved_model.load(str(result.saved_model))
    np.testing.assert_allclose(loaded.signatures["serving_default"](tf.ones((1, 3)))["y"], [[3.0, 3.0]])
    np.testing.assert_allclose(loaded.twice(tf.ones((1, 3))), [[2.0] * 3])
    graph = messages.SavedModel.FromString((result.saved_model / "saved_model.pb").read_bytes()).meta_graphs[0]
    operations = {node.op for function in graph.graph_def.library.function for node in function.node_def}
    assert not operations & {"IteratorGetNext", "PrintV2", "TensorSliceDataset"}


def test_nodes_of_tensorflow_1_that_no_signature_needs_are_removed(tmp_path: Path) -> None:
    place, v1 = tmp_path / "session", tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        queue = v1.FIFOQueue(10, [tf.float32], [[3]], name="queue")
        enqueue = queue.enqueue_many([np.ones((4, 3), np.float32)])
        v1.train.add_queue_runner(v1.train.QueueRunner(queue, [enqueue]))
        weight = v1.get_variable("weight", (3, 2), initializer=v1.ones_initializer())
        v1.add_to_collection("train_op", queue.dequeue()[None] @ weight)
        x = v1.placeholder(tf.float32, (None, 3), name="x")
        session.run(v1.global_variables_initializer())
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": x @ weight})
        builder = v1.saved_model.Builder(str(place))
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    result = read(place)
    assert result.changes[0].startswith("nodes ") and "queue" in result.changes[0]
    got = tf.saved_model.load(str(result.saved_model)).signatures["serving_default"](tf.ones((1, 3)))
    np.testing.assert_allclose(got["y"], [[3.0, 3.0]])
