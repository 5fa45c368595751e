"""An autoencoder whose decoder uses the encoder's kernels, transposed."""

from typing import Any

import keras
from keras import layers

from ..layers.tied_dense import TiedDense


@keras.saving.register_keras_serializable(package="keras_gallery")
class TiedStack(keras.Model):
    """A dense autoencoder with tied weights: the decoder uses the encoder's kernels, transposed.

    `get_config` returns the constructor's arguments. Keras's default configuration lists the encoder and the decoder as
    two models, so loading the default configuration would create each shared layer twice.

    Args:
        image_shape: height, width and channels.
        units: sizes of the encoder's layers. The last size is the size of the code.
        activation: activation of the hidden layers.
        code_activation: activation of the code.
        output_activation: activation of the reconstruction.
        use_bias: whether the layers have biases.
        name: name of the model.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        units: tuple[int, ...],
        activation: str,
        code_activation: str,
        output_activation: str,
        use_bias: bool,
        name: str,
    ) -> None:
        # === Layers ===
        encoder_activations = [activation] * (len(units) - 1) + [code_activation]
        decoder_activations = [output_activation] + [activation] * (len(units) - 1)
        tied = [
            TiedDense(size, encode, decode, use_bias, name=f"tied_{depth}")
            for depth, (size, encode, decode) in enumerate(
                zip(units, encoder_activations, decoder_activations, strict=True), 1
            )
        ]

        # === Functional model ===
        image = keras.Input(image_shape, name="image")
        x = layers.Flatten(name="flatten")(image)
        for layer in tied:
            x = layer(x)
        encoder = keras.Model(image, x, name="encoder")
        code = y = keras.Input((units[-1],), name="code")
        for layer in reversed(tied):
            y = layer(y, back=True)
        y = layers.Reshape(image_shape, name="unflatten")(y)
        decoder = keras.Model(code, y, name="decoder")
        super().__init__(image, decoder(encoder(image)), name=name)

        # === Config ===
        self.configuration: dict[str, Any] = {
            "image_shape": list(image_shape),
            "units": list(units),
            "activation": activation,
            "code_activation": code_activation,
            "output_activation": output_activation,
            "use_bias": use_bias,
            "name": name,
        }

    def get_config(self) -> dict[str, Any]:
        return dict(self.configuration)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "TiedStack":
        return cls(**{**config, "image_shape": tuple(config["image_shape"]), "units": tuple(config["units"])})
