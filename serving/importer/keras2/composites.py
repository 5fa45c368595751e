"""TensorFlow functions that `keras.ops` has with other arguments, or that need several operations of `keras.ops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .images import IMAGES
from .indexing import INDEXING
from .steps import Arguments, Steps

Composite = Callable[[Steps, Any, Arguments], None]


def _matmul(steps: Steps, x: Any, arguments: Arguments) -> None:
    y = arguments.tensor("b")
    for name in ("adjoint_a", "adjoint_b", "a_is_sparse", "b_is_sparse"):
        arguments.expect(name, False)
    if arguments.constant("transpose_a"):
        x = steps.add("Swapaxes", x, axis1=-2, axis2=-1)
    if arguments.constant("transpose_b"):
        y = steps.add("Swapaxes", y, axis1=-2, axis2=-1)
    steps.add("Matmul", x, y)


def _einsum(steps: Steps, equation: Any, arguments: Arguments) -> None:
    steps.add("Einsum", *arguments.tensor("inputs"), subscripts=equation)


def _add_n(steps: Steps, terms: Any, arguments: Arguments) -> None:
    for name in ("shape", "tensor_dtype"):
        arguments.constant(name)
    total = terms[0] if len(terms) > 1 else steps.add("Add", terms[0], 0)
    for each in terms[1:]:
        total = steps.add("Add", total, each)


def _where(steps: Steps, condition: Any, arguments: Arguments) -> None:
    steps.add("Where", condition, arguments.tensor("x"), arguments.tensor("y"))


def _unless_zero(class_name: str, test: str) -> Composite:
    """Returns a function that computes x · f(y), or 0 if the argument `test` is 0."""

    def convert(steps: Steps, x: Any, arguments: Arguments) -> None:
        y = arguments.tensor("y")
        factor = y if class_name == "" else steps.add(class_name, y)
        product = steps.add("Multiply", x, factor)
        steps.add("Where", steps.add("Equal", x if test == "x" else y, 0.0), 0.0, product)

    return convert


def _squared_difference(steps: Steps, x: Any, arguments: Arguments) -> None:
    steps.add("Square", steps.add("Subtract", x, arguments.tensor("y")))


def _l2_normalize(steps: Steps, x: Any, arguments: Arguments) -> None:
    axis, epsilon = arguments.constant("axis", arguments.constant("dim")), arguments.constant("epsilon", 1e-12)
    total = steps.add("Sum", steps.add("Square", x), axis=axis, keepdims=True)
    steps.add("Multiply", x, steps.add("Rsqrt", steps.add("Maximum", total, epsilon), module="math"))


def _norm(steps: Steps, x: Any, arguments: Arguments) -> None:
    order, axis = arguments.constant("ord", "euclidean"), arguments.constant("axis")
    options = {"axis": axis, "keepdims": bool(arguments.constant("keepdims"))}
    if order in ("euclidean", "fro", 2) and not (order == 2 and isinstance(axis, list) and len(axis) > 1):
        steps.add("Sqrt", steps.add("Sum", steps.add("Square", x), **options))
    elif order == 1 and isinstance(axis, int):
        steps.add("Sum", steps.add("Absolute", x), **options)
    else:
        raise arguments.unsupported(f"with ord={order!r:.20}")


def _arg(class_name: str) -> Composite:
    def convert(steps: Steps, x: Any, arguments: Arguments) -> None:
        axis = arguments.constant("axis", arguments.constant("dimension", 0))
        found = steps.add(class_name, x, axis=axis)
        steps.add("Cast", found, module="core", dtype=arguments.constant("output_type", "int64"))

    return convert


def _sort(class_name: str) -> Composite:
    def convert(steps: Steps, x: Any, arguments: Arguments) -> None:
        descending = arguments.constant("direction", "ASCENDING") == "DESCENDING"
        arguments.constant("stable")
        result = steps.add(
            class_name, steps.add("Negative", x) if descending else x, axis=arguments.constant("axis", -1)
        )
        if descending and class_name == "Sort":
            steps.add("Negative", result)

    return convert


def _cumulative(class_name: str) -> Composite:
    def convert(steps: Steps, x: Any, arguments: Arguments) -> None:
        axis, reverse = arguments.constant("axis", 0), arguments.constant("reverse", False)
        exclusive = arguments.constant("exclusive", False)
        if exclusive and class_name == "Cumprod":
            raise arguments.unsupported("with exclusive=True")
        result = steps.add(class_name, steps.add("Flip", x, axis=axis) if reverse else x, axis=axis)
        result = steps.add("Flip", result, axis=axis) if reverse else result
        if exclusive:
            steps.add("Subtract", result, x)

    return convert


COMPOSITES: dict[str, Composite] = {
    **INDEXING,
    **IMAGES,
    **dict.fromkeys(("linalg.matmul", "matmul"), _matmul),
    "einsum": _einsum,
    **dict.fromkeys(("math.add_n", "add_n", "math.accumulate_n"), _add_n),
    **dict.fromkeys(("where", "where_v2"), _where),
    "math.multiply_no_nan": _unless_zero("", "y"),
    "math.xlogy": _unless_zero("Log", "x"),
    "math.xlog1py": _unless_zero("Log1p", "x"),
    "math.xdivy": _unless_zero("Reciprocal", "x"),
    "math.squared_difference": _squared_difference,
    **dict.fromkeys(("math.l2_normalize", "nn.l2_normalize"), _l2_normalize),
    **dict.fromkeys(("norm", "linalg.norm", "math.reduce_euclidean_norm"), _norm),
    **dict.fromkeys(("math.argmax", "argmax"), _arg("Argmax")),
    **dict.fromkeys(("math.argmin", "argmin"), _arg("Argmin")),
    "sort": _sort("Sort"),
    "argsort": _sort("Argsort"),
    **dict.fromkeys(("math.cumsum", "cumsum"), _cumulative("Cumsum")),
    **dict.fromkeys(("math.cumprod", "cumprod"), _cumulative("Cumprod")),
}
