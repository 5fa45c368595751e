"""What Keras 2 and Keras 3 write differently, as data."""

from __future__ import annotations

from typing import Any, NamedTuple

# What changes nothing in the answers, whatever its value.
ANY = object()


class Dropped(NamedTuple):
    """An option that Keras 3 has not.

    Attributes:
        values: those that may be left out; with any other the file is refused.
        why: said of it in the report; "" where it is a matter of form.
    """

    values: tuple[Any, ...]
    why: str


_NO_OPTION = "Keras 3 has no such option"
_SAME = "it chose among equal ways to compute"
_GROUPS = {"groups": Dropped((1,), "")}
_NO_KERNEL = {key: Dropped((ANY,), "") for key in ("kernel_initializer", "kernel_regularizer", "kernel_constraint")}
_CELL = {"implementation": Dropped((ANY,), _SAME)}
# Where it is True the layer gets a transposition before and behind it.
_RECURRENT = {"time_major": Dropped((False, True), _NO_OPTION), **_CELL}
_SPATIAL = {"noise_shape": Dropped((None,), ""), "trainable": Dropped((ANY,), "")}

DROPPED: dict[str, dict[str, Dropped]] = {
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _RECURRENT),
    **dict.fromkeys(("LSTMCell", "GRUCell", "SimpleRNNCell"), _CELL),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"), _GROUPS | _NO_KERNEL),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _GROUPS),
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), _SPATIAL),
    "Embedding": {"input_length": Dropped((ANY,), "Keras 3 takes it from the input")},
    "BatchNormalization": {
        "renorm": Dropped((False,), _NO_OPTION),
        "renorm_clipping": Dropped((None, {}), _NO_OPTION),
        "renorm_momentum": Dropped((ANY,), _NO_OPTION),
        "virtual_batch_size": Dropped((None,), _NO_OPTION),
        "adjustment": Dropped((None,), _NO_OPTION),
        "fused": Dropped((ANY,), _SAME),
    },
    "MultiHeadAttention": {
        **{key: Dropped((ANY,), "") for key in ("query_shape", "key_shape", "value_shape")},
        "softmax_robust_masking": Dropped((False,), _NO_OPTION),
    },
    "Discretization": {"trainable": Dropped((ANY,), "")},
    **dict.fromkeys(("StringLookup", "IntegerLookup", "TextVectorization"), {"vocabulary_size": Dropped((ANY,), "")}),
}
DROPPED_OF_ALL = {
    "dynamic": Dropped((False,), _NO_OPTION),
    "batch_input_shape": Dropped((ANY,), ""),  # the input has it
    "input_dtype": Dropped((ANY,), ""),
    "rng_type": Dropped((ANY,), "it chose among generators of random numbers"),
}

# Options with another name: class → old → new.
RENAMED: dict[str, dict[str, str]] = {
    "LeakyReLU": {"alpha": "negative_slope"},
    "InputLayer": {"batch_input_shape": "batch_shape"},
    "ReLU": {"theta": "threshold"},  # of a ThresholdedReLU
}

# Options that Keras 3 takes as a number, and Keras 2 wrote as a list of one, too.
NUMBERS: dict[str, str] = {"BatchNormalization": "axis"}

# What an option was before it was written into files.
MISSING: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("GRU", "GRUCell"), {"reset_after": False}),
}

# Classes that another one takes the place of, and why it answers the same.
REPLACED: dict[str, tuple[str, str]] = {
    "ThresholdedReLU": ("ReLU", "with theta as its threshold"),
    "Model": ("Functional", ""),  # as Keras called it before 2.4
    "BatchNormalizationV1": ("BatchNormalization", ""),
    "BatchNormalizationV2": ("BatchNormalization", ""),
    "SyncBatchNormalization": ("BatchNormalization", "which answers the same"),
    "LSTMV1": ("LSTM", ""),
    "LSTMV2": ("LSTM", ""),
    "GRUV1": ("GRU", ""),
    "GRUV2": ("GRU", ""),
}

# Layers that Keras 3 has not, and what can be done.
REFUSED: dict[str, str] = {
    **dict.fromkeys(
        ("CuDNNLSTM", "CuDNNGRU"),
        "which keeps its weights in the order of a GPU library (in Keras 2 load its weights into the same model of "
        "LSTM or GRU layers, and save that)",
    ),
    **dict.fromkeys(
        ("LocallyConnected1D", "LocallyConnected2D"),
        "which Keras 3 has not (export the model from Keras 2 as a SavedModel)",
    ),
    **dict.fromkeys(
        ("TensorFlowOpLayer", "ModuleWrapper"),
        "which holds a piece of a TensorFlow graph (export the model from Keras 2 as a SavedModel)",
    ),
}

# Classes that no layer is of, by the end of the option that holds them.
PARTS: dict[str, str] = {
    "_initializer": "keras.initializers",
    "_regularizer": "keras.regularizers",
    "_constraint": "keras.constraints",
    "initializer": "keras.initializers",
    "regularizer": "keras.regularizers",
    "constraint": "keras.constraints",
}

# Old names of these parts.
PART_NAMES: dict[str, str] = {
    "normal": "RandomNormal",
    "uniform": "RandomUniform",
    "zero": "Zeros",
    "one": "Ones",
    "Normal": "RandomNormal",
    "Uniform": "RandomUniform",
    "maxnorm": "MaxNorm",
    "nonneg": "NonNeg",
    "unitnorm": "UnitNorm",
    "WeightRegularizer": "L1L2",
}

# Old values of their options.
PART_VALUES: dict[str, dict[str, dict[Any, Any]]] = {
    "VarianceScaling": {"distribution": {"normal": "truncated_normal"}},
}

# Parts that only training needs, and Keras 3 has not.
TRAINING_ONLY = ("RadialConstraint",)

# Activations whose name means another function in Keras 3: hard_sigmoid was clip(0.2 x + 0.5, 0, 1) and is
# clip(x / 6 + 0.5, 0, 1), the same function of 1.2 x.
SCALED: dict[str, float] = {"hard_sigmoid": 1.2}
# Layers whose function is of a product with their weights, and of nothing else: by the option that names it.
SCALABLE: dict[str, frozenset[str]] = {
    "activation": frozenset(
        """Activation Dense EinsumDense Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose
        DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell""".split()
    ),
    "recurrent_activation": frozenset("LSTM LSTMCell GRU GRUCell ConvLSTM1D ConvLSTM2D ConvLSTM3D".split()),
}

# Layers that take a sequence, then the states to begin with.
WITH_STATES = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")

# What only Keras 2 says of the code in a layer.
LAMBDA_ONLY = ("module", "function_type", "output_shape_type", "output_shape_module")

# The classes of dtype policies; those of TensorFlow 2.0 to 2.3 have other names.
POLICIES = ("Policy", "PolicyV1", "DTypePolicy")

# Models, and the module that Keras 3 gives them.
MODELS = {"Functional": "keras.src.models.functional", "Sequential": "keras"}


def new_name(name: str) -> str:
    """A layer's name in Keras 3, which takes no slash."""
    return name.replace("/", "_")
