"""Black and white in, colour out."""

import keras
from keras import layers

from ..errors import BadHyperparameter
from ..hyperparameters import Counts, ImageShape
from ..registry import register
from ._strided import down, up


@register
def colorization_autoencoder(*, image_shape: ImageShape = (32, 32, 3), filters: Counts = (32, 64, 128)) -> keras.Model:
    """Sees a grey picture, must return the colour one.

    The decoder paints what the colours add to the grey, so that no detail has to pass through the code.

    Args:
        image_shape: height, width and channels of the colour pictures; the channels are 3.
        filters: of each convolution, which halves height and width; the decoder mirrors them.

    Formula:
        grey = 0.299 red + 0.587 green + 0.114 blue
        x̂ = grey + D(E(grey)), cut to [0, 1]
        minimise Σ (x̂ − colour)²

    Source:
        Notes 003, "Autoencoders: Applications" (image colorization); the weights of grey: ITU-R BT.601.

    Returns:
        A model `(batch, height, width, 1)` to `(batch, height, width, 3)`, float32, both in [0, 1]; its layer
        `encoder` gives the code `(batch, height / 2ᴸ, width / 2ᴸ, filters)`, its layer `decoder` takes one and
        gives what the colours add.
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
