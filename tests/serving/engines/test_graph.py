"""Tests which operations count as writing a variable, for all operations of the installed TensorFlow."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from keras_gallery.serving.engines.graph import writes_floats, writes_variable
from keras_gallery.serving.wire import messages

# Prints the names of TensorFlow's operations with an argument that is a variable: a reference, or a resource. The
# names of these arguments differ from those of tables, queues, lists and other objects.
PROGRAM = """
import json
from tools.build_allowed_operations import operations
names = {"input", "ref", "resource", "resources", "var", "vars", "w_in", "weights"}
takes = lambda each: each.name in names and (each.is_ref or each.type == 20)
found = [each.name for each in operations() if any(map(takes, each.input_arg))]
print(json.dumps([each for each in found if not each.startswith("_")]))
"""
READING = frozenset(
    "DebugGradientRefIdentity DestroyTemporaryVariable DisableCopyOnRead ExperimentalIteratorGetDevice FakeQueue "
    "IsVariableInitialized IteratorGetDevice ReadVariableOp ReadVariableXlaSplitND RefIdentity ResourceGather "
    "ResourceGatherNd VarIsInitializedOp VariableShape".split()
)


def node(operation: str, **dtypes: int) -> Any:
    made = messages.NodeDef(op=operation)
    for name, number in dtypes.items():
        made.attr[name].type = number
    return made


@pytest.mark.models
def test_operations_that_take_a_variable_read_or_write_it() -> None:
    """In another process, because the test loads TensorFlow's C library."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    names = json.loads(done.stdout)
    assert len(names) > 100 and READING <= set(names)
    assert {name for name in names if not writes_variable(node(name))} == READING


@pytest.mark.parametrize(
    "operation", ["ScatterNd", "TensorListScatterV2", "TensorScatterUpdate", "StatefulPartitionedCall", "XlaScatter"]
)
def test_operations_that_return_a_new_tensor_write_no_variable(operation: str) -> None:
    assert not writes_variable(node(operation, T=1))


def test_writing_floats() -> None:
    """Random number generators return floats, but the variable that they write holds integers."""
    assert writes_floats(node("ResourceScatterAdd", dtype=1)) and writes_floats(node("ApplyMomentum", T=1))
    assert writes_floats(node("AssignVariableOp", dtype=19))
    assert not writes_floats(node("AssignAddVariableOp", dtype=9))
    assert not writes_floats(node("ReadVariableOp", dtype=1))
    drawing = node("StatefulStandardNormalV2", dtype=1)
    assert writes_variable(drawing) and not writes_floats(drawing)
