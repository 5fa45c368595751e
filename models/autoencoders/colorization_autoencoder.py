"""The autoencoder that colours grey images."""

import keras
from keras import layers

from ..errors import BadHyperparameter
from ..hyperparameters import Counts, ImageShape
from ..registry import register
from ._strided import down, up


@register
def colorization_autoencoder(*, image_shape: ImageShape = (32, 32, 3), filters: Counts = (32, 64, 128)) -> keras.Model:
    """Colours black-and-white images: learns to predict the colour image from its grey version.

    The decoder predicts only the difference between the colour image and the grey image. So the code need not contain
    the details of the image.

    Args:
        image_shape: height, width and channels of the colour images. There must be 3 channels.
        filters: number of filters of each convolution in the encoder. Each convolution halves height and width, rounded
            up. The decoder has transposed convolutions for the same sizes in reverse order.

    Formula:
        grey = 0.299 red + 0.587 green + 0.114 blue
        x̂ = grey + D(E(grey)), clipped to [0, 1]
        minimise Σ_j (x̂_j − colour_j)²

    Source:
        Lecture notes 003, "Autoencoders: Applications" (image colorization); ITU-R BT.601 (the weights of red, green
        and blue in grey).

    Returns:
        A model from grey images `(batch, height, width, 1)` to colour images `(batch, height, width, 3)`, float32, both
        in [0, 1]. The layer `encoder` maps a grey image to its code
        `(batch, ⌈height / 2ᴸ⌉, ⌈width / 2ᴸ⌉, filters[-1])`, where L is the number of convolutions. The layer `decoder`
        maps a code to the difference between the colour image and the grey image.
    """
    height, width, channels = image_shape
    if channels != 3:
        raise BadHyperparameter(f"Expected image_shape to have 3 channels. Received: {channels}.")

    # === Functional model ===
    grey = keras.Input((height, width, 1), name="image")
    x, shapes = down(grey, filters)
    encoder = keras.Model(grey, x, name="encoder")
    code = keras.Input(shapes[-1], name="code")
    decoder = keras.Model(code, up(code, [(height, width, 3), *shapes[1:]], "linear"), name="decoder")
    colour = layers.Add(name="add_grey")([grey, decoder(encoder(grey))])  # (height, width, 1) + (height, width, 3)
    return keras.Model(grey, layers.ReLU(max_value=1.0, name="cut")(colour), name="colorization_autoencoder")
