"""Draws the computational graph of the loss of a tied autoencoder, with the two paths from W to the loss.

    python examples/computational_graph.py graph.png

The loss is L = ½‖WᵀWx − x‖². TensorFlow traces the function, and the picture shows the operations that it recorded. The
matrix W is used twice: to encode x, and transposed to decode the code. So there are two paths from W to L, and the
gradient of W is the sum of one gradient for each path. The program computes the gradient of each path by stopping the
gradient on the other path, and prints how much the sum differs from the gradient of the whole loss.

Source: lecture notes 001, question 1 (b) to (d).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

CODE, VALUES = 2, 5
SYMBOLS = {
    "MatMul": "matrix product",
    "Sub": "−",
    "Square": "square",
    "Sum": "sum",
    "Mul": "· ½",
    "Transpose": "transpose",
}
LEFT_OUT = ("Const", "Identity")
INK, PATHS = "#333333", ("#bd1f01", "#3f90da")  # the path through the encoder, and the path through the decoder

Edges = list[tuple[str, str]]


def loss(w: tf.Tensor, x: tf.Tensor, encoder: bool = True, decoder: bool = True) -> tf.Tensor:
    """Returns ½‖WᵀWx − x‖² for W `(m, n)` and x `(n, 1)`.

    If `encoder` or `decoder` is false, no gradient reaches W through this part.
    """
    code = tf.matmul(w if encoder else tf.stop_gradient(w), x)
    decoded = tf.matmul(tf.transpose(w if decoder else tf.stop_gradient(w)), code)
    return 0.5 * tf.reduce_sum(tf.square(decoded - x))


def traced() -> tuple[dict[str, str], Edges]:
    """Returns the label of each operation by name, in the order of the computation, and the edges between them."""
    specs = (tf.TensorSpec((CODE, VALUES), name="W"), tf.TensorSpec((VALUES, 1), name="x"))
    graph = tf.function(loss).get_concrete_function(*specs).graph
    used = [each for each in graph.get_operations() if each.type not in LEFT_OUT]
    labels = {}
    for each in used:
        shape = " × ".join(map(str, each.outputs[0].shape)) or "a number"
        labels[each.name] = f"{SYMBOLS.get(each.type, each.name)}\n{shape}"
    edges = [(source.op.name, each.name) for each in used for source in each.inputs if source.op.name in labels]
    return labels, edges


def paths(edges: Edges, start: str, end: str) -> list[list[str]]:
    """Returns all paths from one operation to another, each as a list of names."""
    if start == end:
        return [[end]]
    return [[start, *rest] for source, target in edges if source == start for rest in paths(edges, target, end)]


def draw(path: Path, labels: dict[str, str], edges: Edges) -> None:
    """Draws the operations from left to right. The two paths from W to the loss have colours."""
    last = list(labels)[-1]
    columns: dict[str, int] = {}
    for name in labels:
        columns[name] = max((columns[source] + 1 for source, target in edges if target == name), default=0)
    rows = {name: 0.0 for name in labels}
    for column in set(columns.values()):
        members = [name for name in labels if columns[name] == column]
        rows |= {name: (len(members) - 1) / 2 - index for index, name in enumerate(members)}
    colours: dict[tuple[str, str], list[str]] = {edge: [] for edge in edges}
    for colour, names in zip(PATHS, paths(edges, "W", last), strict=True):
        for edge in zip(names, names[1:], strict=False):
            colours[edge].append(colour)
    figure = Figure(figsize=(11, 3), layout="constrained")
    axis = figure.subplots()
    axis.set(xlim=(-0.5, columns[last] + 0.5), ylim=(-1.2, 1.2))
    axis.axis("off")
    axis.set_title("L = ½‖WᵀWx − x‖²: the two paths from W to L", fontsize=10, color=INK)
    boxes = {}
    for name, label in labels.items():
        style = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": INK}
        text = axis.text(columns[name], rows[name], label, ha="center", va="center", fontsize=9, color=INK, bbox=style)
        boxes[name] = text.get_bbox_patch()
    for (source, target), found in colours.items():
        is_long = columns[target] - columns[source] > 1
        bends = (0.3,) if is_long else (-0.12, 0.12) if len(found) == 2 else (0.0,)
        for colour, bend in zip(found or [INK], bends, strict=True):
            arrow = {"arrowstyle": "-|>", "color": colour, "connectionstyle": f"arc3,rad={bend}", "lw": 1.6}
            ends = {"patchA": boxes[source], "patchB": boxes[target], "shrinkA": 1, "shrinkB": 1}
            places = [(columns[name], rows[name]) for name in (target, source)]
            axis.annotate("", *places, arrowprops={**arrow, **ends})
    figure.savefig(path, dpi=100)


def gradients() -> dict[str, np.ndarray]:
    """Returns the gradients of W `(m, n)` through the encoder, through the decoder, and of the whole loss."""
    rng = np.random.default_rng(0)
    w, x = (tf.constant(rng.normal(size=shape)) for shape in ((CODE, VALUES), (VALUES, 1)))
    found = {}
    for name, parts in {"encoder": (True, False), "decoder": (False, True), "both": (True, True)}.items():
        with tf.GradientTape() as tape:
            tape.watch(w)
            value = loss(w, x, *parts)
        found[name] = tape.gradient(value, w).numpy()
    return found | {"w": w.numpy(), "x": x.numpy()}


def main(path: Path) -> dict[str, np.ndarray]:
    labels, edges = traced()
    draw(path, labels, edges)
    for each in paths(edges, "W", list(labels)[-1]):
        print(" → ".join(labels[name].split("\n")[0] for name in each))
    found = gradients()
    difference = np.abs(found["encoder"] + found["decoder"] - found["both"]).max()
    print(f"largest difference between the gradient and the sum over both paths: {difference:.1e}")
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "computational_graph.png"))
