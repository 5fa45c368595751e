"""Tests of the sentences that remain of the errors of libraries."""

from __future__ import annotations

import pytest
from keras_gallery.serving.importer.reading.causes import MAX_LENGTH, cause, named_cause

CALLED = (
    "Exception encountered when calling RNN.call().\n\n\x1b[1m{}\x1b[0m\n\nArguments received by RNN.call():\n  • x=[]"
)
EXECUTED = (
    "Graph execution error:\n\nDetected at node lstm/Add defined at (most recent call last):\n"
    '  File "/a.py", line 1, in <module>\n\n  File "/b.py", line 2, in run\n\n{}\n\t [[{{{{node lstm/Add}}}}]] '
    "[Op:__inference_f_1]"
)
TRACED = 'in user code:\n\n    File "/a.py", line 2, in f  *\n        return g(x)\n\n    ValueError: {}\n'


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("Shapes differ. Received: (2,) and (3,)", "Shapes differ"),
        (CALLED.format("Too few leaves; expected: 24, got: 2."), "Too few leaves; expected: 24, got: 2"),
        (EXECUTED.format("Incompatible shapes: [1,24] vs. [2,24]"), "Incompatible shapes: [1,24] vs. [2,24]"),
        (TRACED.format("Depth 3 for '{{node Conv2D}} = Conv2D[T=DT_FLOAT]' with"), "Depth 3"),
        ("{{function_node __wrapped__MatMul}} Sizes differ: [2,3] [Op:MatMul] name: ", "Sizes differ: [2,3]"),
        (
            "Error when deserializing class 'Dense' using config={'a': 1}.\n\nException encountered: No option 'b'.",
            "No option 'b'",
        ),
        (
            "A total of 1 objects could not be loaded. Example error message for object <Dense name=d, built=True>:\n\n"
            "Layer 'd' expected 2 variables. List of objects: [<Dense name=d>]",
            "Layer 'd' expected 2 variables",
        ),
        ("Unknown activation: {'value': ['" + "4wEAAAAAAAAAAAAA" * 20 + "\n']}", "Unknown activation"),
        ("No loader for {'a': [" + "1, " * 100 + "]}, which is odd", "RuntimeError"),
        ("Not a layer: <keras.src.layers.core.dense.Dense object at 0x7f06b7f2>", "Not a layer: Dense"),
        ("/onnx/convert.cc:10: run: Assertion `a != b` failed: No schema for Nope", "No schema for Nope"),
        ("a " * MAX_LENGTH, "RuntimeError"),
        ("", "RuntimeError"),
    ],
)
def test_one_sentence_remains(message: str, sentence: str) -> None:
    assert cause(RuntimeError(message)) == sentence


def test_the_class_of_an_error_is_named_once() -> None:
    assert named_cause(ValueError("Shapes differ.")) == "ValueError: Shapes differ"
    assert named_cause(ValueError()) == "ValueError"
    assert cause("") == "unknown error"
