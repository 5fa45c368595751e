"""Turns the outputs of a grid of cells into bounding boxes."""

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gallery")
class CellBoxes(keras.layers.Layer):
    """Turns the four values of each grid cell into a box whose centre lies in that cell.

        y = (row + σ(a)) / rows          x = (column + σ(b)) / columns
        h = σ(c)                         w = σ(d)
        box = (y − h/2, x − w/2, y + h/2, x + w/2)

    All values of a box are fractions of the image's height and width. Source: Redmon and Farhadi 2017, "YOLO9000" (the
    sigmoids).

    Call arguments:
        inputs: (a, b, c, d) of each cell, `(batch, rows, columns, 4)`. The output contains the box (top, left, bottom,
            right) of each cell, `(batch, rows · columns, 4)`, in row-major order.

    Example:

        >>> ops.convert_to_numpy(CellBoxes()(ops.zeros((1, 1, 1, 4)))).tolist()
        [[[0.25, 0.25, 0.75, 0.75]]]
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
        """Computes the boxes with Keras's own layers: a matrix product for each cell, plus the corner of the cell."""
        rows, columns = inputs.shape[1:3]
        values = keras.layers.Activation("sigmoid", name=f"{self.name}_values")(inputs)
        centre_and_size = keras.layers.Conv2D(4, 1, use_bias=False, name=f"{self.name}_in_cell")
        flatten = keras.layers.Flatten(name=f"{self.name}_row")  # (batch, cells · 4)
        corner = keras.layers.Normalization(name=f"{self.name}_corner")  # (x − mean) / 1, with mean = −corner
        boxes = corner(flatten(centre_and_size(values)))
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
