"""The network for object detection."""

import keras
from keras import layers

from ..hyperparameters import Count, Counts, ImageShape
from ..layers.cell_boxes import CellBoxes
from ..registry import register
from ._maps import check_multiple, convolution_layers


@register
def detector(
    *, image_shape: ImageShape = (64, 64, 1), classes: Count = 10, filters: Counts = (16, 32, 64)
) -> keras.Model:
    """Finds objects in an image: predicts a class and a bounding box for each cell of a grid.

    Each cell predicts the object whose centre lies in the cell. The functions of `models.grid` encode the training
    targets and decode the predictions.

    Args:
        image_shape: height, width and channels of the images. Height and width must be multiples of 2ⁿ, where n is the
            length of `filters`.
        classes: number of classes. The model adds one class after these classes, for a cell without an object.
        filters: number of filters of the convolutions at each size of the feature maps. Max pooling halves height and
            width after each size, so three integers give cells of 8 × 8 pixels.

    Formula:
        p̂_c = softmax(W maps_c + b), for each cell c
        b̂_c = (y − h/2, x − w/2, y + h/2, x + w/2), where sigmoids compute the centre (y, x), which lies in cell c, the
            height h and the width w
        minimise L = Σ_c −log p̂_{c,ℓ} + λ Σ_{c with a centre} ‖b̂_c − b_c‖₁, where ℓ is the true class of cell c
        λ = 5, the weight of the boxes in YOLO

    Source:
        Lecture notes 004, "Types of computer vision problems"; Redmon et al. 2016, "You Only Look Once" (the grid);
        Zhou, Wang and Krähenbühl 2019, "Objects as Points" (detection without anchor boxes).

    Returns:
        A model from images `(batch, height, width, channels)` to a dict of two float32 tensors, in which the cells are
        in row-major order: `cell_probabilities` `(batch, cells, classes + 1)`, and `cell_boxes` `(batch, cells, 4)`. A
        box is (top, left, bottom, right), as fractions of the image's height and width.
    """
    check_multiple(image_shape, 2 ** len(filters))

    # === Functional model ===
    image = x = keras.Input(image_shape, name="image")
    for depth, count in enumerate(filters, 1):
        x = convolution_layers(x, count, 2, f"conv_{depth}")
        x = layers.MaxPooling2D(2, name=f"pool_{depth}")(x)  # half the height and width
    x = convolution_layers(x, filters[-1], 2, "cell")  # (batch, rows, columns, filters)
    logits = layers.Conv2D(classes + 1, 1, name="cell_logits")(x)
    logits = layers.Reshape((-1, classes + 1), name="cells")(logits)
    outputs = {
        "cell_probabilities": layers.Softmax(name="cell_probabilities")(logits),
        "cell_boxes": CellBoxes(name="cell_boxes")(layers.Conv2D(4, 1, name="cell_offsets")(x)),
    }
    return keras.Model(image, outputs, name="detector")
