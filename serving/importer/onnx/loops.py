"""ONNX operators in TensorFlow: recurrent layers, loops and conditionals. See `elements.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from onnx import helper

from .call import Call, Operator, Unsupported

# (states, inputs of one time step (batch, features)) → new states
Step = Callable[[list[Any], Any], list[Any]]


def _lstm(call: Call, kernel: Any, recurrent: Any, bias: Any) -> Step:
    call.refuse_unless("input_forget", 0)

    def step(states: list[Any], x: Any) -> list[Any]:
        hidden, cell = states
        i, o, f, c = tf.split(x @ tf.transpose(kernel) + hidden @ tf.transpose(recurrent) + sum(bias), 4, -1)
        cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.tanh(c)
        return [tf.sigmoid(o) * tf.tanh(cell), cell]

    return step


def _gru(call: Call, kernel: Any, recurrent: Any, bias: Any) -> Step:
    is_reset_after = bool(call.get("linear_before_reset", 0))

    def step(states: list[Any], x: Any) -> list[Any]:
        (hidden,) = states
        z, r, h = tf.split(x @ tf.transpose(kernel) + bias[0], 3, -1)
        for_z, for_r, for_h = tf.split(recurrent, 3, 0)
        bias_z, bias_r, bias_h = tf.split(bias[1], 3)
        z = tf.sigmoid(z + hidden @ tf.transpose(for_z) + bias_z)
        r = tf.sigmoid(r + hidden @ tf.transpose(for_r) + bias_r)
        if is_reset_after:
            new = tf.tanh(h + r * (hidden @ tf.transpose(for_h) + bias_h))
        else:
            new = tf.tanh(h + (r * hidden) @ tf.transpose(for_h) + bias_h)
        return [(1 - z) * new + z * hidden]

    return step


def _rnn(call: Call, kernel: Any, recurrent: Any, bias: Any) -> Step:
    return lambda states, x: [tf.tanh(x @ tf.transpose(kernel) + states[0] @ tf.transpose(recurrent) + sum(bias))]


def _recurrent(cell: Callable[..., Step], gates: int, activations: list[str]) -> Operator:
    count = 2 if cell is _lstm else 1

    def run(call: Call, x: Any, w: Any, r: Any, b: Any = None, lengths: Any = None, *optional: Any) -> Any:
        call.refuse_unless("activations", activations * w.shape[0])
        call.refuse_unless("layout", 0)
        if (
            lengths is not None
            or call.get("clip", None) is not None
            or any(each is not None for each in optional[count:])
        ):
            raise Unsupported("sequence_lens, clip and peepholes are not supported")
        size = r.shape[-1]
        results = []
        for at, direction in enumerate(_directions(call)):
            bias = tf.zeros((2, gates * size)) if b is None else tf.reshape(b[at], (2, -1))
            zeros = tf.zeros((tf.shape(x)[1], size), x.dtype)
            states = [zeros if each is None else each[at] for each in (*optional[:count], None, None)][:count]
            step = cell(call, w[at], r[at], tf.unstack(bias))
            outputs = tf.scan(step, tf.convert_to_tensor(x), states, reverse=direction == "reverse")
            results.append((outputs[0], *[each[0 if direction == "reverse" else -1] for each in outputs]))
        return tuple(tf.stack(each, 1 if at == 0 else 0) for at, each in enumerate(zip(*results, strict=True)))

    return run


def _directions(call: Call) -> list[str]:
    direction = call.get("direction", "forward")
    return ["forward", "reverse"] if direction == "bidirectional" else [direction]


def _if(call: Call, condition: Any) -> Any:
    branches = [call.attributes[name] for name in ("then_branch", "else_branch")]
    yes, no = (lambda graph=graph: [tf.convert_to_tensor(each) for each in call.run(graph, [])] for graph in branches)
    return tf.cond(tf.reshape(condition, ()), yes, no)


def _loop(call: Call, max_steps: Any, condition: Any, *values: Any) -> Any:
    body = call.attributes["body"]
    scan_outputs = body.output[1 + len(values) :]
    dtypes = [tf.as_dtype(helper.tensor_dtype_to_np_dtype(each.type.tensor_type.elem_type)) for each in scan_outputs]
    lists = [tf.TensorArray(dtype, 0, dynamic_size=True, infer_shape=False) for dtype in dtypes]
    max_steps = tf.constant(tf.int64.max) if max_steps is None else tf.reshape(tf.cast(max_steps, tf.int64), ())
    condition = tf.constant(True) if condition is None else tf.reshape(condition, ())
    states = [tf.convert_to_tensor(each) for each in values]

    def step(number: Any, _: Any, states: list[Any], lists: list[Any]) -> Any:
        condition, *outputs = call.run(body, [number, tf.constant(True), *states])
        lists = [
            each.write(tf.cast(number, tf.int32), row) for each, row in zip(lists, outputs[len(states) :], strict=True)
        ]
        return (
            number + 1,
            tf.reshape(condition, ()),
            [tf.convert_to_tensor(each) for each in outputs[: len(states)]],
            lists,
        )

    _, _, states, lists = tf.while_loop(
        lambda number, condition, *_: (number < max_steps) & condition,
        step,
        (tf.constant(0, tf.int64), condition, states, lists),
        (
            tf.TensorShape(()),
            tf.TensorShape(()),
            [_open_shape(each) for each in states],
            [tf.TensorShape(None)] * len(lists),
        ),
    )
    return [*states, *[each.stack() for each in lists]]


def _open_shape(state: Any) -> Any:
    """Returns a shape with all dimensions unknown, because a step can change the sizes of a state."""
    return tf.TensorShape(None if state.shape.rank is None else [None] * state.shape.rank)


LOOPS: dict[str, Operator] = {
    "GRU": _recurrent(_gru, 3, ["Sigmoid", "Tanh"]),
    "If": _if,
    "LSTM": _recurrent(_lstm, 4, ["Sigmoid", "Tanh", "Tanh"]),
    "Loop": _loop,
    "RNN": _recurrent(_rnn, 1, ["Tanh"]),
}
