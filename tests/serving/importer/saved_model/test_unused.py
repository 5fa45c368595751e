"""Tests of what is removed from a graph: never a part that a signature or loading can reach."""

from __future__ import annotations

from typing import Any

import pytest
from keras_gallery.serving.allowed_operations import check
from keras_gallery.serving.errors import PermissionDenied
from keras_gallery.serving.importer.saved_model.unused import remove_unused
from keras_gallery.serving.wire import messages

from ...test_allowed_operations import call, meta_graph

BAD = [("bad", "ReadFile", "a")]


def graph_with(**functions: list[tuple[str, ...]]) -> Any:
    """Returns a graph with a signature that calls the function `f`, and with functions that nobody calls."""
    graph = meta_graph(
        ("x", "Placeholder"), ("y", "PartitionedCall", "x"), functions={"f": [("r", "Relu", "a")]} | functions
    )
    call(graph, "y", "f")
    graph.signature_def["serving_default"].outputs["y"].name = "y:0"
    return graph


def add_object(graph: Any, name: str, function: str) -> None:
    """Adds an object with a function to the root object."""
    objects = graph.object_graph_def
    if not objects.nodes:
        objects.nodes.add().user_object.identifier = "root"
    objects.nodes[0].children.add(local_name=name, node_id=len(objects.nodes))
    objects.nodes.add().function.concrete_functions.append(function)
    objects.concrete_functions[function].SetInParent()


def names(graph: Any) -> set[str]:
    return {each.signature.name for each in graph.graph_def.library.function}


def test_functions_that_nobody_calls() -> None:
    graph = graph_with(bad=BAD, caller=[("c", "PartitionedCall", "a")], good=[("r", "Relu", "a")])
    graph.graph_def.library.function[2].node_def[0].attr["f"].func.name = "bad"
    graph.graph_def.library.gradient.add(function_name="f", gradient_func="bad")
    for name in ("bad", "caller", "good"):
        add_object(graph, f"_{name}", name)
    assert remove_unused(graph) == [
        "functions _bad, _caller removed: no signature calls them, and imported graphs may only compute"
    ]
    assert names(graph) == {"f", "good"} and not graph.graph_def.library.gradient
    assert set(graph.object_graph_def.concrete_functions) == {"good"}
    assert [list(each.function.concrete_functions) for each in graph.object_graph_def.nodes] == [[], [], [], ["good"]]
    check(graph)


def test_functions_of_training_with_the_interface_of_a_function_for_inference() -> None:
    """A recurrent layer of Keras 2 has such functions. TensorFlow runs them instead of each other only in training."""
    graph = graph_with(forward=BAD, backward=BAD)
    for function, other in zip(graph.graph_def.library.function[1:], ("backward", "forward"), strict=True):
        function.attr[f"{other}_function_name"].s = other.encode()
    same_interface(graph)
    (line,) = remove_unused(graph)
    assert line.startswith("functions backward, forward removed: no signature calls them") and names(graph) == {"f"}
    check(graph)


def test_a_bare_function_that_nobody_calls() -> None:
    graph = graph_with(bad=BAD)
    add_object(graph, "_bad", "bad")
    graph.object_graph_def.nodes[1].bare_concrete_function.concrete_function_name = "bad"
    remove_unused(graph)
    assert graph.object_graph_def.nodes[1].user_object.identifier == "_generic_user_object"
    check(graph)


def test_a_graph_that_only_computes_stays_the_same() -> None:
    graph = graph_with(good=[("r", "Relu", "a")])
    add_object(graph, "good", "good")
    before = graph.SerializeToString(deterministic=True)
    assert remove_unused(graph) == [] and graph.SerializeToString(deterministic=True) == before


def in_function(graph: Any) -> Any:
    """Returns the attributes of the node in the function that the signature calls."""
    return graph.graph_def.library.function[0].node_def[0].attr


def called_by_name(graph: Any) -> None:
    graph.graph_def.library.function[0].node_def[0].op = "bad"


def called_in_a_list(graph: Any) -> None:
    in_function(graph)["branches"].list.func.add(name="bad")


def named_in_a_text(graph: Any) -> None:
    in_function(graph)["backward_function_name"].s = b"bad"


def named_by_the_function(graph: Any) -> None:
    graph.graph_def.library.function[0].attr["forward_function_name"].s = b"bad"


def same_interface(graph: Any) -> None:
    """TensorFlow's optimizer can replace a function by another one with the same interface."""
    for function in graph.graph_def.library.function:
        function.attr["api_implements"].s = b"lstm"


def initializer(graph: Any, key: str = "saved_model_main_op") -> None:
    graph.graph_def.node.add(name="init", op="PartitionedCall", input=["x"]).attr["f"].func.name = "bad"
    graph.collection_def[key].node_list.value.append("init")


def table_initializer(graph: Any) -> None:
    initializer(graph, "table_initializer")


def local_variable(graph: Any) -> None:
    initializer(graph, "other")
    variable = messages.VariableDef(variable_name="v", initializer_name="init")
    graph.collection_def["local_variables"].bytes_list.value.append(variable.SerializeToString())


def init_signature(graph: Any) -> None:
    initializer(graph, "other")
    graph.signature_def["__saved_model_init_op"].outputs["y"].name = "init"


def restore(graph: Any) -> None:
    initializer(graph, "other")
    graph.saver_def.restore_op_name = "init"


def control_input(graph: Any) -> None:
    initializer(graph, "other")
    graph.graph_def.node[1].input.append("^init")


def resource(graph: Any) -> None:
    add_object(graph, "_initialize", "bad")


def destroyed_resource(graph: Any) -> None:
    add_object(graph, "_destroy_resource", "bad")


def saveable(graph: Any) -> None:
    add_object(graph, "any", "bad")
    graph.object_graph_def.nodes[0].saveable_objects["v"].restore_function = 1


WAYS = (called_by_name, called_in_a_list, named_in_a_text, named_by_the_function, same_interface, initializer)
OTHERS = (table_initializer, local_variable, init_signature, restore, control_input)
OBJECTS = (resource, destroyed_resource, saveable)


@pytest.mark.parametrize("operation", ["ReadFile", "SaveV2"])
@pytest.mark.parametrize("reach", [*WAYS, *OTHERS, *OBJECTS])
def test_what_a_signature_or_loading_can_reach_is_refused(reach: Any, operation: str) -> None:
    graph = graph_with(bad=[("bad", operation, "a")])
    reach(graph)
    if reach not in OBJECTS:
        add_object(graph, "_bad", "bad")
    remove_unused(graph)
    with pytest.raises(PermissionDenied, match=f"{operation}|bad"):
        check(graph)


def test_a_function_of_the_model_may_not_save_even_if_the_saver_calls_it() -> None:
    """The saver keeps the function, but the model no longer has it."""
    graph = graph_with(save=[("save", "SaveV2", "a")])
    graph.graph_def.node.add(name="saver", op="PartitionedCall", input=["x"]).attr["f"].func.name = "save"
    graph.saver_def.save_tensor_name = "saver:0"
    add_object(graph, "store", "save")
    assert remove_unused(graph)[0].startswith("function store removed")
    assert names(graph) == {"f", "save"} and not graph.object_graph_def.concrete_functions
    check(graph)
