"""Converts TensorFlow functions in a Keras 2 model to operations of `keras.ops`, by a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .composites import COMPOSITES
from .steps import Arguments, Step, Steps


@dataclass(frozen=True)
class Operation:
    """The operation of Keras 3 that replaces a TensorFlow function.

    Attributes:
        class_name: class of the operation in `keras.src.ops`.
        module: module of the class in `keras.src.ops`, or "keras.layers".
        inputs: TensorFlow's names of the inputs after the first one, in order.
        options: maps names of options in TensorFlow to names of options in Keras 3.
        fixed: default values for options of Keras 3.
        only: options of TensorFlow that Keras 3 does not have. Maps each option to its only accepted value.
        ignored: constant options of TensorFlow that do not change the result.
    """

    class_name: str
    module: str = "numpy"
    inputs: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    only: dict[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


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
        "div:Divide",
        "math.divide_no_nan:DivideNoNan",
        "math.floordiv:FloorDivide",
        "floor_div:FloorDivide",
        "__operators__.eq:Equal",
        "__operators__.ne:NotEqual",
        "math.logical_xor:LogicalXor",
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
        "math.tan:Tan",
        "math.asin:Arcsin",
        "math.acos:Arccos",
        "math.atan:Arctan",
        "math.sinh:Sinh",
        "math.cosh:Cosh",
        "math.tanh:Tanh",
        "math.asinh:Arcsinh",
        "math.acosh:Arccosh",
        "math.atanh:Arctanh",
        "math.expm1:Expm1",
        "math.round:Round",
        "math.rint:Round",
        "math.is_nan:Isnan",
        "math.is_inf:Isinf",
        "math.is_finite:Isfinite",
        "nn.tanh:Tanh",
        "math.sign:Sign",
        "math.floor:Floor",
        "math.ceil:Ceil",
        "math.reciprocal:Reciprocal",
        "math.logical_not:LogicalNot",
        "ones_like:OnesLike",
        "zeros_like:ZerosLike",
    ),
    **_unary("math", "math.rsqrt:Rsqrt", "math.erf:Erf", "math.erfc:Erfc", "math.erfinv:Erfinv"),
    **_unary("image", "image.rgb_to_grayscale:RGBToGrayscale", "image.rgb_to_hsv:RGBToHSV"),
    **_unary("image", "image.hsv_to_rgb:HSVToRGB"),
    **_unary("linalg", "linalg.det:Det", "linalg.cholesky:Cholesky"),
    **_unary("core", "stop_gradient:StopGradient"),
    **_unary("keras.layers", "identity:Identity", "keras.backend.batch_flatten:Flatten"),
    "ensure_shape": Operation("Identity", "keras.layers", ignored=("shape",)),
    "convert_to_tensor": Operation("Identity", "keras.layers", ignored=("dtype_hint",)),
    "math.atan2": Operation("Arctan2", inputs=("x",)),
    "linalg.inv": Operation("Inv", "linalg", only={"adjoint": False}),
    "linalg.matrix_transpose": Operation("Swapaxes", fixed={"axis1": -2, "axis2": -1}, only={"conjugate": False}),
    "linalg.trace": Operation("Trace", fixed={"axis1": -2, "axis2": -1}),
    "linalg.diag_part": Operation("Diagonal", fixed={"axis1": -2, "axis2": -1}, only={"k": 0}, ignored=("align",)),
    "tensordot": Operation("Tensordot", inputs=("b",), options={"axes": "axes"}),
    "dtypes.saturate_cast": Operation("SaturateCast", "core", options={"dtype": "dtype"}),
    "reverse": Operation("Flip", options=_AXIS),
    "image.flip_left_right": Operation("Flip", fixed={"axis": -2}),
    "image.flip_up_down": Operation("Flip", fixed={"axis": -3}),
    "image.rot90": Operation("Rot90", options={"k": "k"}, fixed={"axes": [1, 2]}),
    "image.grayscale_to_rgb": Operation("Repeat", fixed={"repeats": 3, "axis": -1}),
    "image.adjust_brightness": Operation("Add", inputs=("delta",)),
    "image.pad_to_bounding_box": Operation(
        "PadImages",
        "image",
        options={"offset_height": "top_padding", "offset_width": "left_padding"}
        | {name: name for name in ("target_height", "target_width")},
    ),
    **{
        f"nn.{name}": Operation(new, "nn", options={"block_size": "block_size"}, only={"data_format": "NHWC"})
        for name, new in (("depth_to_space", "DepthToSpace"), ("space_to_depth", "SpaceToDepth"))
    },
    "roll": Operation("Roll", options={"shift": "shift", "axis": "axis"}),
    "repeat": Operation("Repeat", options={"repeats": "repeats", "axis": "axis"}),
    "broadcast_to": Operation("BroadcastTo", options={"shape": "shape"}),
    "unstack": Operation("Unstack", "core", options={"num": "num", "axis": "axis"}, fixed={"axis": 0}),
    **dict.fromkeys(
        ("math.top_k", "nn.top_k"),
        Operation("TopK", "math", options={"k": "k", "sorted": "sorted"}, fixed={"k": 1}, only={"index_type": "int32"}),
    ),
    "math.count_nonzero": Operation("CountNonzero", options=_AXIS, only={"keepdims": False, "dtype": "int32"}),
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
    "squeeze": Operation("Squeeze", options=_AXIS),
    "reshape": Operation("Reshape", options={"shape": "newshape"}),
    "transpose": Operation("Transpose", options={"perm": "axes"}, only={"conjugate": False}),
    "tile": Operation("Tile", options={"multiples": "repeats"}),
    "clip_by_value": Operation("Clip", options={"clip_value_min": "x_min", "clip_value_max": "x_max"}),
    "cast": Operation("Cast", "core", options={"dtype": "dtype"}),
}
# Functions of TensorFlow 1 that differ from the function of the same name in TensorFlow 2.
_DIFFERENT = ("where", "image.resize", "nn.dropout")


def convert(function: str, name: str, args: list[Any], kwargs: dict[str, Any]) -> list[Step]:
    """Converts a call of a TensorFlow function.

    Args:
        function: TensorFlow's name without "tf.", such as "math.add".
        name: name of the layer.
        args: positional arguments of the call: constants, or tensors of any type.
        kwargs: keyword arguments of the call.

    Returns:
        The operations that replace the call. The last one has the name of the layer.

    Raises:
        Unsupported: Keras 3 has no equivalent. The text describes the call, such as "tf.math.cumprod with exclusive".
    """
    steps, arguments = Steps(name), Arguments(function, kwargs)
    short = _short(function)
    if short in COMPOSITES:
        COMPOSITES[short](steps, args[0], arguments)
    elif short in OPERATIONS:
        _one(steps, OPERATIONS[short], args, arguments)
    else:
        raise arguments.unsupported("")
    arguments.finish()
    return steps.finish()


def _short(function: str) -> str:
    """Returns the name of a function in TensorFlow 2."""
    short = function.removeprefix("compat.v1.")
    return function if short in _DIFFERENT and short != function else short


def _one(steps: Steps, row: Operation, args: list[Any], arguments: Arguments) -> None:
    for key, value in row.only.items():
        arguments.expect(key, value)
    for key in row.ignored:
        arguments.constant(key)
    inputs = [arguments.tensor(key) for key in row.inputs]
    options = dict(row.fixed)
    for key, new in row.options.items():
        value = arguments.constant(key)
        if value is not None:
            options[new] = value
    steps.add(row.class_name, *args, *inputs, module=row.module, **options)
