"""Tests of restoring the arguments that Keras 2 does not save."""

from __future__ import annotations

from typing import Any

import pytest
from keras_gallery.serving.errors import FailedPrecondition
from keras_gallery.serving.importer.keras2.graph import Call, Layer, Tensor
from keras_gallery.serving.importer.keras2.operands import restore_operands, use_unknown_sizes
from keras_gallery.serving.importer.keras2.report import Report

A, B = Tensor("a", 0, 0), Tensor("b", 0, 0)


def layers(**calls: list[Any] | None) -> dict[str, Layer]:
    """Returns layers. The value is None for an input, or [function, first argument, other arguments]."""
    found = {}
    for name, call in calls.items():
        function, *rest = call or [None]
        class_name = "TFOpLambda" if call else "InputLayer"
        found[name] = Layer({"class_name": class_name, "config": {"function": function}}, [])
        if call:
            found[name].calls.append(Call(rest[:1], *rest[1:]))
    return found


def restored(given: dict[str, Layer], output: str) -> tuple[dict[str, Any], list[str]]:
    report = Report()
    restore_operands(given, [Tensor(output, 0, 0)], report)
    return given[output].calls[0].kwargs, report.lines()


def test_the_operand_is_the_only_unused_tensor() -> None:
    kwargs, lines = restored(layers(a=None, b=None, equal=["__operators__.eq", A]), "equal")
    assert kwargs == {"y": B}
    assert lines == [
        "layer 'equal' (TFOpLambda): Keras 2 did not save the operands of ==; b is the only possible operand"
    ]


def test_an_einsum_of_the_only_tensor() -> None:
    given = layers(a=None, sum=["einsum", "bij,bkj->bik"])
    assert restored(given, "sum")[0] == {"inputs": [A, A]}
    assert restored(layers(a=None, b=["math.exp", A], sum=["einsum", "bij->bji"]), "sum")[0] == {"inputs": [B]}


@pytest.mark.parametrize(
    ("given", "output"),
    [
        (layers(a=None, last=["__operators__.ne", A]), "last"),  # perhaps a constant
        (layers(a=None, b=None, c=None, last=["__operators__.ne", A]), "last"),
        (layers(a=None, b=None, last=["einsum", "bi,bi->b"]), "last"),
        (layers(a=None, b=["math.exp", A], last=["einsum", "bi,bi->b"]), "last"),
        (layers(a=None, b=["split", A], last=["__operators__.eq", A]), "last"),  # an unknown output of split
        (layers(a=None, b=["einsum", "bi->b"], last=["__operators__.eq", B]), "last"),
    ],
)
def test_several_operands_are_possible(given: dict[str, Layer], output: str) -> None:
    with pytest.raises(FailedPrecondition, match=r"^Keras 2 did not save the operands of .* cannot load this file: "):
        restored(given, output)


def test_saved_operands_are_kept() -> None:
    assert restored(layers(a=None, b=None, equal=["__operators__.eq", A, {"other": 1}]), "equal") == ({"other": 1}, [])


@pytest.mark.parametrize(("shape", "new"), [([B, 12], [-1, 12]), ([B, -1], [B, -1]), ([A, B, 2], [A, B, 2])])
def test_one_size_of_a_reshape_can_be_unknown(shape: list[Any], new: list[Any]) -> None:
    given = layers(a=None, last=["reshape", A, {"shape": shape}])
    use_unknown_sizes(given)
    assert given["last"].calls[0].kwargs == {"shape": new}
