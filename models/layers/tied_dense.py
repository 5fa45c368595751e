"""A dense layer that encodes with a kernel and decodes with the transposed kernel."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gallery")
class TiedDense(keras.layers.Layer):
    """A dense layer that encodes with a kernel W and decodes with the transpose Wᵀ.

        encode: h = g(W x + b)
        decode: x̂ = f(Wᵀ h + c), with `back=True`

    The gradient of W is the sum of the gradients through the encoder and through the decoder (lecture notes 001,
    question 1).

    Args:
        units: size of h.
        activation: g, the activation of the encoder.
        back_activation: f, the activation of the decoder.
        use_bias: whether to add the biases b and c.

    Call arguments:
        inputs: x `(batch, features)`, or h `(batch, units)` if `back` is true.
        back: whether to decode h instead of encoding x.

    Example:

        >>> layer = TiedDense(units=2)
        >>> h = layer(ops.zeros((1, 5)))
        >>> tuple(h.shape), tuple(layer(h, back=True).shape)
        ((1, 2), (1, 5))
    """

    plain_limit = "encoder and decoder no longer share a kernel"

    def __init__(
        self,
        units: int,
        activation: Any = "sigmoid",
        back_activation: Any = "sigmoid",
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.back_activation = keras.activations.get(back_activation)
        self.use_bias = use_bias

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        features = input_shape[-1]
        self.kernel = self.add_weight(name="kernel", shape=(features, self.units), initializer="glorot_uniform")
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
            self.back_bias = self.add_weight(name="back_bias", shape=(features,), initializer="zeros")

    def call(self, inputs: Any, back: bool = False) -> Any:
        # Keras stores kernels as (features, units): W is the transpose of `self.kernel`.
        if back:
            a = ops.matmul(inputs, ops.transpose(self.kernel))  # (batch, features)
            return self.back_activation(a + self.back_bias if self.use_bias else a)
        a = ops.matmul(inputs, self.kernel)  # (batch, units)
        return self.activation(a + self.bias if self.use_bias else a)

    def plain_call(self, inputs: Any, back: bool = False, mask: Any = None) -> Any:
        """Encodes or decodes with Keras's own `Dense` layer. The encoder and the decoder have separate kernels."""
        name = f"{self.name}_back" if back else self.name
        units = self.kernel.shape[0] if back else self.units
        activation = self.back_activation if back else self.activation
        dense = keras.layers.Dense(units, activation, self.use_bias, name=name)
        outputs = dense(inputs)
        kernel = ops.transpose(self.kernel) if back else self.kernel
        biases = [self.back_bias if back else self.bias] if self.use_bias else []
        dense.set_weights([ops.convert_to_numpy(weight) for weight in (kernel, *biases)])
        return outputs

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "back_activation": keras.activations.serialize(self.back_activation),
            "use_bias": self.use_bias,
        }
