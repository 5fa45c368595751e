"""Boxes from what each cell of a grid says."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gallery")
class CellBoxes(keras.layers.Layer):
    """Turns each cell's four values into a box whose centre lies in that cell.

        y = (row + σ(a)) / rows          x = (column + σ(b)) / columns
        h = σ(c)                         w = σ(d)
        box = (y − h/2, x − w/2, y + h/2, x + w/2)

    all as fractions of the image's height and width (the sigmoids as in Redmon and Farhadi 2017, "YOLO9000").

    Call arguments:
        inputs: (a, b, c, d) of each cell, `(batch, rows, columns, 4)`. The output holds top, left, bottom and
            right, `(batch, rows · columns, 4)`, cells row by row.
    """

    def call(self, inputs: Any) -> Any:
        rows, columns = inputs.shape[1:3]
        a, b, height, width = (ops.sigmoid(inputs[..., index]) for index in range(4))  # (batch, rows, columns)
        row = ops.reshape(ops.arange(rows, dtype=inputs.dtype), (rows, 1))
        column = ops.arange(columns, dtype=inputs.dtype)
        y, x = (row + a) / rows, (column + b) / columns
        boxes = ops.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=-1)
        return ops.reshape(boxes, (-1, rows * columns, 4))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        batch, rows, columns, _ = input_shape
        return (batch, rows * columns, 4)
