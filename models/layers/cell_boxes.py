"""Boxes from what each cell of a grid says."""

from typing import Any

import keras
import numpy as np
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

    def plain_call(self, inputs: Any, mask: Any = None) -> Any:
        """What it is in Keras's own layers: a matrix for each cell's four values, and the corner of the cell."""
        rows, columns = inputs.shape[1:3]
        values = keras.layers.Activation("sigmoid", name=f"{self.name}_values")(inputs)
        centre_and_size = keras.layers.Conv2D(4, 1, use_bias=False, name=f"{self.name}_in_cell")
        row_of_all = keras.layers.Flatten(name=f"{self.name}_row")  # (batch, cells · 4)
        corner = keras.layers.Normalization(name=f"{self.name}_corner")  # (x − mean) / 1
        boxes = corner(row_of_all(centre_and_size(values)))
        y, x = 1 / rows, 1 / columns
        # From σ(a), σ(b), σ(c), σ(d) to top, left, bottom, right.
        matrix = np.array([[y, 0, y, 0], [0, x, 0, x], [-0.5, 0, 0.5, 0], [0, -0.5, 0, 0.5]], np.float32)
        centre_and_size.set_weights([matrix[None, None]])
        row, column = np.meshgrid(np.arange(rows) * y, np.arange(columns) * x, indexing="ij")
        mean = -np.stack([row, column, row, column], axis=-1).ravel()
        corner.set_weights([mean, np.ones_like(mean), np.array(0)])
        corner.finalize_state()
        return keras.layers.Reshape((rows * columns, 4), name=self.name)(boxes)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        batch, rows, columns, _ = input_shape
        return (batch, rows * columns, 4)
