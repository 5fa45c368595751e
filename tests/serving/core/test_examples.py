"""Tests of Classify, Regress and MultiInference. The models are Python functions on serialized examples."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from keras_gallery.serving.core import predictions
from keras_gallery.serving.core.examples import ExampleInference
from keras_gallery.serving.core.inference import Inference
from keras_gallery.serving.core.predictions import Task, serialized_examples
from keras_gallery.serving.engines.base import Arrays
from keras_gallery.serving.errors import Code, InvalidArgument, NotFound, ResourceExhausted, ServingError
from keras_gallery.serving.limits import Budget, Share
from keras_gallery.serving.wire import messages
from keras_gallery.serving.wire.model_spec import ModelSpec

from ..fake_models import definition, record, serve, signatures

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


def example(**features: float) -> Any:
    message = messages.Example()
    for name, value in features.items():
        message.features.feature[name].float_list.value.append(value)
    return message


def input_of(*examples: Any, context: Any = None) -> Any:
    """Returns an `Input` message."""
    if context is None:
        return messages.Input(example_list={"examples": examples})
    return messages.Input(example_list_with_context={"examples": examples, "context": context})


TWO = input_of(example(x=1.5), example(x=2.5))


def read(serialized: bytes, name: str = "x") -> float:
    return float(messages.Example.FromString(serialized).features.feature[name].float_list.value[-1])


# === Signatures ===


def numbers(inputs: Arrays) -> Mapping[str, Any]:
    """Returns the feature x of each example ("outputs" and "column"), the scores x and 10 x, and two labels."""
    x = np.array([read(row) for row in inputs["inputs"]], np.float32)
    labels = np.array([[b"low", b"high"]] * len(x), object)
    return {
        "outputs": x,
        "column": x[:, None],
        "scores": np.stack([x, x * 10], 1),
        "classes": labels,
    }


def returns(**outputs: Any) -> Any:
    return lambda _: outputs


STRINGS = np.array([[b"a"], [b"b"]], object)
FLOATS = np.ones((2, 1), np.float32)
BOTH = {"classes": "string", "scores": "float"}
ALL = signatures(
    (definition(method="regress"), numbers),
    (definition("classify", outputs=BOTH, method="classify"), numbers),
    (definition("classes", outputs={"classes": "string"}, method="classify"), numbers),
    (definition("scores", outputs={"scores": "float", "other": "float"}, method="classify"), numbers),
    (definition("column", method="regress"), lambda inputs: {"outputs": numbers(inputs)["column"]}),
    (definition("two_inputs", {"inputs": "string", "b": "string"}), numbers),
    (definition("other_input", {"x": "string"}), numbers),
    (definition("other_input_scores", {"x": "string"}, {"scores": "float"}), numbers),
    (definition("other_output", outputs={"y": "float"}), numbers),
    (definition("three_outputs", outputs={**BOTH, "more": "float"}), numbers),
    (definition("floats_in", {"inputs": "float"}), numbers),
    (definition("floats_in_scores", {"inputs": "float"}, {"scores": "float"}), numbers),
    (definition("flat", outputs={"scores": "float"}), returns(scores=np.ones(2, np.float32))),
    (definition("flat_classes", outputs={"classes": "string"}), returns(classes=STRINGS[:, 0])),
    (definition("double", outputs={"scores": "double"}), returns(scores=np.ones((2, 1)))),
    (definition("numbers", outputs={"classes": "int64"}), returns(classes=np.ones((2, 1), np.int64))),
    (definition("short", outputs={"scores": "float"}), returns(scores=FLOATS[:1])),
    (definition("uneven", outputs=BOTH), returns(classes=STRINGS, scores=np.ones((2, 3), np.float32))),
    (definition("bytes", outputs={"classes": "string"}), returns(classes=np.array([[b"\xff"], ["ž"]], object))),
    (definition("no_classes", outputs=BOTH), returns(classes=STRINGS[:, :0], scores=FLOATS[:, :0])),
    (definition("wide"), returns(outputs=np.ones((2, 3), np.float32))),
    (definition("cube"), returns(outputs=np.ones((2, 1, 1), np.float32))),
    (definition("scalar"), returns(outputs=np.float32(1))),
    (definition("one"), returns(outputs=np.ones(1, np.float32))),
    (definition("int"), returns(outputs=np.ones(2, np.int32))),
)


def run(method: str, *arguments: Any, check_methods: bool = False) -> Any:
    inference = Inference(serve(ALL), check_methods=check_methods)
    try:
        return asyncio.run(getattr(ExampleInference(inference), method)(*arguments, record()))
    finally:
        inference.close()


def ask(method: str, signature: str = "", examples: Any = TWO, **keywords: Any) -> Any:
    return run(method, ModelSpec("m", signature=signature), examples, **keywords)


def tuples(result: Any) -> list[list[tuple[str, float]]]:
    return [[(each.label, each.score) for each in row.classes] for row in result.classifications]


# === Answers ===


def test_classes_and_scores() -> None:
    spec, result = ask("classify", "classify")
    assert spec == ModelSpec("m", 3, signature="classify")
    assert tuples(result) == [[("low", 1.5), ("high", 15)], [("low", 2.5), ("high", 25)]]


def test_classes_or_scores() -> None:
    assert tuples(ask("classify", "classes")[1]) == [[("low", 0), ("high", 0)]] * 2
    assert tuples(ask("classify", "scores")[1]) == [[("", 1.5), ("", 15)], [("", 2.5), ("", 25)]]
    assert tuples(ask("classify", "no_classes")[1]) == [[], []]


def test_labels_that_are_not_text() -> None:
    assert tuples(ask("classify", "bytes")[1]) == [[("\ufffd", 0)], [("ž", 0)]]


@pytest.mark.parametrize("signature", ["", "serving_default", "column"])
def test_regressions(signature: str) -> None:
    spec, result = ask("regress", signature)
    assert spec.signature == (signature or "serving_default")
    assert [each.value for each in result.regressions] == [1.5, 2.5]


def test_only_the_needed_outputs_are_computed() -> None:
    ask("classify", "scores")
    assert ALL["scores"].runner.calls[-1][1] == ("scores",)  # type: ignore[attr-defined]


# === Examples ===


def test_an_example_overrides_the_context() -> None:
    message = input_of(example(y=1), example(x=2), example(), context=example(x=7, z=9))
    rows = serialized_examples(message)
    assert [read(row) for row in rows] == [7, 2, 7]
    assert [read(row, "z") for row in rows] == [9, 9, 9]
    assert [[each.value for each in ask("regress", "", message)[1].regressions]] == [[7, 2, 7]]


def test_unknown_fields_are_kept() -> None:
    unknown = b"\xf2\x01\x02hi"
    example_with_more = messages.Example.FromString(example(x=1).SerializeToString() + unknown)
    (row,) = serialized_examples(input_of(example_with_more))
    assert unknown in row


@pytest.mark.parametrize(
    "message",
    [messages.Input(), input_of(), input_of(context=example(x=1))],
    ids=["empty message", "empty list of examples", "context only"],
)
@pytest.mark.parametrize("method", ["classify", "regress"])
def test_no_examples(method: str, message: Any) -> None:
    with pytest.raises(InvalidArgument, match="^Input is empty.$"):
        ask(method, "classify" if method == "classify" else "", message)


# === Errors ===

GOT_SHAPE = "Expected Tensor shape: [batch_size num_classes] but got "
BAD_SHAPE = "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
INVALID = [
    ("classify", "x", "No signature was found with the name: x"),
    ("regress", "x", "No signature was found with the name: x"),
    ("classify", "two_inputs", "Expected one input Tensor."),
    ("regress", "two_inputs", "Expected one input Tensor."),
    ("classify", "three_outputs", "Expected one or two output Tensors, found 3"),
    ("regress", "classify", "Expected one output Tensor."),
    ("classify", "floats_in_scores", "Expects arg[0] to be float but string is provided"),
    ("regress", "floats_in", "Expects arg[0] to be float but string is provided"),
    ("classify", "flat", GOT_SHAPE + "[2]"),
    ("classify", "flat_classes", GOT_SHAPE + "[2]"),
    ("classify", "double", "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE"),
    ("classify", "numbers", "Expected classes Tensor of DT_STRING. Got: DT_INT64"),
    ("classify", "short", "Expected scores output batch size of 2. Got: 1"),
    ("classify", "uneven", "Tensors class and score should match in dim_size(1). Got 1 vs. 3"),
    ("regress", "wide", BAD_SHAPE + "[2,3]"),
    ("regress", "cube", BAD_SHAPE + "[2,1,1]"),
    ("regress", "scalar", BAD_SHAPE + "[]"),
    ("regress", "one", "Input batch size did not match output batch size: 2 vs. 1"),
    ("regress", "int", "Expected output Tensor of DT_FLOAT.  Got: DT_INT32"),
]


@pytest.mark.parametrize(("method", "signature", "message"), INVALID, ids=[" ".join(row[:2]) for row in INVALID])
def test_invalid_signatures(method: str, signature: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ask(method, signature)
    assert str(caught.value) == message


AT_LEAST = 'Expected classification signature outputs to contain at least one of "classes" or "scores". Signature was: '


@pytest.mark.parametrize(
    ("method", "signature", "message"),
    [
        ("classify", "other_input_scores", "No classification inputs found in SignatureDef: "),
        ("classify", "other_output", AT_LEAST),
        ("regress", "other_input", "No regression inputs found in SignatureDef: "),
        ("regress", "other_output", "No regression outputs found in SignatureDef: "),
    ],
)
def test_errors_that_contain_the_signature(method: str, signature: str, message: str) -> None:
    from google.protobuf import text_format

    with pytest.raises(InvalidArgument) as caught:
        ask(method, signature)
    assert str(caught.value).startswith(message)
    shown = text_format.Parse(str(caught.value).removeprefix(message), messages.SignatureDef())
    expected = ALL[signature].definition
    assert {name: info.name for name, info in shown.inputs.items()} == {
        name: spec.tensor for name, spec in expected.inputs.items()
    }
    assert shown.method_name == expected.method_name
    assert all(info.tensor_shape.unknown_rank for info in shown.outputs.values())


@pytest.mark.parametrize("method", ["classify", "regress"])
def test_errors_for_the_model_spec(method: str) -> None:
    with pytest.raises(InvalidArgument, match="^Missing ModelSpec$"):
        run(method, None, TWO)
    with pytest.raises(InvalidArgument, match="^ModelSpec has no name specified.$"):
        run(method, ModelSpec(""), TWO)
    with pytest.raises(NotFound, match=r"^Servable not found for request: Latest\(x\)$"):
        run(method, ModelSpec("x"), TWO)


def test_method_names() -> None:
    message = "^Expected classification signature method_name to be tensorflow/serving/classify. Was: "
    with pytest.raises(InvalidArgument, match=message + "tensorflow/serving/regress$"):
        ask("classify", "", check_methods=True)
    message = "^Expected regression signature method_name to be tensorflow/serving/regress. Was: "
    with pytest.raises(InvalidArgument, match=message + "tensorflow/serving/predict$"):
        ask("regress", "wide", check_methods=True)
    assert len(ask("classify", "classify", check_methods=True)[1].classifications) == 2


# === MultiInference ===


def task(signature: str = "", method: str = REGRESS, model: str = "m", **spec: Any) -> Task:
    return Task(ModelSpec(model, signature=signature, **spec), method)


def test_several_tasks() -> None:
    tasks = [task("classify", CLASSIFY), task(), task("column")]
    response = run("multi", tasks, TWO)
    assert [each.WhichOneof("result") for each in response.results] == [
        "classification_result",
        "regression_result",
        "regression_result",
    ]
    assert [each.model_spec.signature_name for each in response.results] == ["classify", "serving_default", "column"]
    assert {(each.model_spec.name, each.model_spec.version.value) for each in response.results} == {("m", 3)}
    assert tuples(response.results[0].classification_result)[0] == [("low", 1.5), ("high", 15)]
    assert [each.value for each in response.results[2].regression_result.regressions] == [1.5, 2.5]


MULTI: dict[str, tuple[list[Task], type[ServingError] | None, str]] = {
    "no tasks": ([], InvalidArgument, "ModelSpec has no name specified."),
    "no model name": ([task(model="")], InvalidArgument, "ModelSpec has no name specified."),
    "no model name in the second task": (
        [task(), task(model="")],
        InvalidArgument,
        "Found ModelSpec with an empty model name.",
    ),
    "two models": (
        [task(), task("column", model="n")],
        InvalidArgument,
        "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
    ),
    "unknown model": ([task(model="x")], NotFound, "Servable not found for request: Latest(x)"),
    "unknown version": ([task(version=9)], NotFound, "Servable not found for request: Specific(m, 9)"),
    "same signature twice": (
        [task(), task("serving_default")],
        InvalidArgument,
        "Duplicate evaluation of signature: serving_default",
    ),
    "same signature twice, without a method": (
        [task("classify", CLASSIFY), task("classify", "")],
        InvalidArgument,
        "Duplicate evaluation of signature: classify",
    ),
    "unknown signature": ([task("x", "")], InvalidArgument, "Requested signature not found in model graph: x"),
    "unknown method": ([task(method="x")], None, "Unsupported signature method_name: x"),
    "no method": ([task(method="")], None, "Unsupported signature method_name: "),
    "wrong outputs in the second task": (
        [task(), task("classify")],
        InvalidArgument,
        "Expected one output Tensor.",
    ),
    "wrong output shape in the second task": ([task(), task("wide")], InvalidArgument, BAD_SHAPE + "[2,3]"),
}


@pytest.mark.parametrize(("tasks", "error_class", "message"), MULTI.values(), ids=MULTI)
def test_invalid_tasks(tasks: list[Task], error_class: type[ServingError] | None, message: str) -> None:
    with pytest.raises(error_class or ServingError) as caught:
        run("multi", tasks, TWO)
    assert str(caught.value) == message
    if error_class is None:
        assert caught.value.code is Code.UNIMPLEMENTED


def test_tasks_without_examples() -> None:
    with pytest.raises(InvalidArgument, match="^Input is empty.$"):
        run("multi", [task()], input_of())
    with pytest.raises(ServingError, match="^Unsupported"):  # the server checks the tasks before the examples
        run("multi", [task(method="x")], input_of())


def test_method_names_of_tasks() -> None:
    with pytest.raises(InvalidArgument, match="method_name to be tensorflow/serving/classify"):
        run("multi", [task("", CLASSIFY)], TWO, check_methods=True)


# === Large requests ===


def test_the_number_of_examples_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "MAX_STRINGS", 2)
    assert len(serialized_examples(TWO)) == 2
    with pytest.raises(ResourceExhausted, match=r"^A request can have at most 2 examples\.$"):
        serialized_examples(input_of(*[example(x=1.0)] * 3))


@pytest.mark.parametrize("request_bytes", [100, 1 << 20])
def test_a_repeated_context_counts_in_the_memory_budget(request_bytes: int) -> None:
    """A request of a few kilobytes can repeat a long context for many examples."""
    context = messages.Example()
    context.features.feature["text"].bytes_list.value.append(bytes(10_000))
    message = input_of(*[example(x=1.0)] * 100, context=context)
    service = Inference(serve(ALL))
    try:
        for limit, is_allowed in ((900_000, False), (1_100_000, True)):
            request = record()
            request.share, request.request_bytes = Share(Budget(limit)), request_bytes
            answer = ExampleInference(service).regress(ModelSpec("m"), message, request)
            if is_allowed:
                assert len(asyncio.run(answer)[1].regressions) == 100
                assert request.share.held >= 1_000_000
            else:
                with pytest.raises(ResourceExhausted, match="memory budget"):
                    asyncio.run(answer)
    finally:
        service.close()
