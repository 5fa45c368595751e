"""Converts TensorFlow functions in a Keras 2 model to operations of `keras.ops`, by a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LAYERS = ("TFOpLambda", "SlicingOpLambda")


@dataclass(frozen=True)
class Operation:
    """The operation of Keras 3 that replaces a TensorFlow function.

    Attributes:
        class_name: class of the operation in `keras.src.ops`.
        module: module of the class in `keras.src.ops`.
        inputs: TensorFlow's names of the inputs after the first one, in order.
        options: maps names of options in TensorFlow to names of options in Keras 3.
        fixed: default values for options of Keras 3.
        only: options of TensorFlow that Keras 3 does not have. Maps each option to its only accepted value.
    """

    class_name: str
    module: str = "numpy"
    inputs: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    only: dict[str, Any] = field(default_factory=dict)


def _binary(*names: str) -> dict[str, Operation]:
    return {name: Operation(class_name, inputs=("y",)) for name, class_name in (each.split(":") for each in names)}


def _unary(module: str, *names: str) -> dict[str, Operation]:
    return {name: Operation(class_name, module) for name, class_name in (each.split(":") for each in names)}


_AXES = {"axis": "axis", "keepdims": "keepdims"}
_AXIS = {"axis": "axis"}

OPERATIONS: dict[str, Operation] = {
    **_binary(
        *(
            f"{prefix}.{name}:{new}"
            for prefix in ("math", "__operators__")
            for name, new in (
                ("add", "Add"),
                ("subtract", "Subtract"),
                ("multiply", "Multiply"),
                ("truediv", "TrueDivide"),
            )
        ),
        "math.divide:Divide",
        "math.floordiv:FloorDivide",
        "math.pow:Power",
        "math.floormod:Mod",
        "math.mod:Mod",
        "math.maximum:Maximum",
        "math.minimum:Minimum",
        "math.greater:Greater",
        "math.greater_equal:GreaterEqual",
        "math.less:Less",
        "math.less_equal:LessEqual",
        "math.equal:Equal",
        "math.not_equal:NotEqual",
        "math.logical_and:LogicalAnd",
        "math.logical_or:LogicalOr",
    ),
    **_unary(
        "numpy",
        "math.abs:Absolute",
        "math.negative:Negative",
        "math.exp:Exp",
        "math.log:Log",
        "math.log1p:Log1p",
        "math.sqrt:Sqrt",
        "math.square:Square",
        "math.sin:Sin",
        "math.cos:Cos",
        "math.tanh:Tanh",
        "nn.tanh:Tanh",
        "math.sign:Sign",
        "math.floor:Floor",
        "math.ceil:Ceil",
        "math.reciprocal:Reciprocal",
        "math.logical_not:LogicalNot",
        "ones_like:OnesLike",
        "zeros_like:ZerosLike",
    ),
    **_unary("math", "math.rsqrt:Rsqrt", "math.erf:Erf"),
    **_unary(
        "nn",
        "nn.relu:Relu",
        "nn.relu6:Relu6",
        "nn.selu:Selu",
        "nn.elu:Elu",
        "nn.sigmoid:Sigmoid",
        "math.sigmoid:Sigmoid",
        "nn.softplus:Softplus",
        "math.softplus:Softplus",
        "nn.softsign:Softsign",
        "math.log_sigmoid:LogSigmoid",
    ),
    **dict.fromkeys(("nn.silu", "nn.swish"), Operation("Silu", "nn", only={"beta": 1.0})),
    "nn.gelu": Operation("Gelu", "nn", options={"approximate": "approximate"}, fixed={"approximate": False}),
    "nn.leaky_relu": Operation("LeakyRelu", "nn", options={"alpha": "negative_slope"}),
    "nn.softmax": Operation("Softmax", "nn", options=_AXIS),
    "nn.log_softmax": Operation("LogSoftmax", "nn", options=_AXIS),
    **{
        f"math.reduce_{name}": Operation(new, options=_AXES)
        for name, new in (
            ("mean", "Mean"),
            ("sum", "Sum"),
            ("max", "Max"),
            ("min", "Min"),
            ("prod", "Prod"),
            ("std", "Std"),
            ("variance", "Var"),
            ("any", "Any"),
            ("all", "All"),
        )
    },
    "math.reduce_logsumexp": Operation("Logsumexp", "math", options=_AXES),
    "concat": Operation("Concatenate", options=_AXIS),
    "stack": Operation("Stack", options=_AXIS),
    "expand_dims": Operation("ExpandDims", options=_AXIS),
    **dict.fromkeys(("squeeze", "compat.v1.squeeze"), Operation("Squeeze", options=_AXIS)),
    "reshape": Operation("Reshape", options={"shape": "newshape"}),
    **dict.fromkeys(
        ("transpose", "compat.v1.transpose"),
        Operation("Transpose", options={"perm": "axes"}, only={"conjugate": False}),
    ),
    "tile": Operation("Tile", options={"multiples": "repeats"}),
    "clip_by_value": Operation("Clip", options={"clip_value_min": "x_min", "clip_value_max": "x_max"}),
    "cast": Operation("Cast", "core", options={"dtype": "dtype"}),
    "split": Operation(
        "Split", options={"num_or_size_splits": "indices_or_sections", "axis": "axis"}, only={"num": None}
    ),
    **dict.fromkeys(
        ("linalg.matmul", "matmul"),
        Operation(
            "Matmul",
            inputs=("b",),
            only=dict.fromkeys(("transpose_a", "adjoint_a", "adjoint_b", "a_is_sparse", "b_is_sparse"), False)
            | {"output_type": None},
        ),
    ),
    "__operators__.getitem": Operation("GetItem", inputs=("slice_spec",), only={"var": None}),
}


def convert(
    function: str, name: str, args: list[Any], kwargs: dict[str, Any]
) -> tuple[dict[str, Any], list[Any]] | str:
    """Converts a call of a TensorFlow function.

    Args:
        function: TensorFlow's name without "tf.", such as "math.add".
        name: name of the layer.
        args: positional arguments of the call: constants, or tensors of any type.
        kwargs: keyword arguments of the call.

    Returns:
        The operation's configuration in Keras 3's format, and the arguments of the call. If Keras 3 has no equivalent,
        a text that describes the call, such as "tf.math.cumsum".
    """
    row = OPERATIONS.get(function)
    if row is None:
        return f"tf.{function}"
    rest = {key: value for key, value in kwargs.items() if key != "name"}
    for key, value in row.only.items():
        if rest.pop(key, value) != value:
            return f"tf.{function} with {key}={kwargs[key]!r}"
    if missing := [key for key in row.inputs if key not in rest]:
        return f"tf.{function} without {missing[0]}"
    inputs = [*args, *(_key(rest.pop(key)) if key == "slice_spec" else rest.pop(key) for key in row.inputs)]
    options = dict(row.fixed)
    for key, new in row.options.items():
        if key in rest:
            value = rest.pop(key)
            if not _constant(value):
                return f"tf.{function} with a tensor as {key}"
            if value is not None:
                options[new] = value
    if unknown := [key for key, value in rest.items() if value is not None]:
        return f"tf.{function} with {unknown[0]}"
    if row.class_name == "Split" and not isinstance(options.get("indices_or_sections"), int):
        return f"tf.{function} with parts of different sizes"
    config = {
        "module": f"keras.src.ops.{row.module}",
        "class_name": row.class_name,
        "config": {"name": name, **options},
        "registered_name": row.class_name,
    }
    return config, inputs


def _constant(value: Any) -> bool:
    if isinstance(value, list):
        return all(_constant(each) for each in value)
    return value is None or isinstance(value, bool | int | float | str)


def _key(spec: Any) -> Any:
    """Converts the index of a tensor to Keras 3's format: slices, integers, None and an ellipsis."""
    if isinstance(spec, list):
        return [_key(each) for each in spec]
    if isinstance(spec, dict) and spec.keys() == {"start", "stop", "step"}:
        return {"class_name": "__slice__", "config": spec}
    if isinstance(spec, dict) and spec.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": {}}
    return spec
