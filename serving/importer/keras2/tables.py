"""Tables of the differences between the formats of Keras 2 and Keras 3."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

# Matches any value of an option, because the option does not change the results.
ANY = object()


class Dropped(NamedTuple):
    """Rule for an option that Keras 3 does not have.

    Attributes:
        values: values that allow the option to be removed. A file with any other value is refused.
        why: reason for the user; "" if the change is not reported.
    """

    values: tuple[Any, ...]
    why: str


LOOKUPS = ("StringLookup", "IntegerLookup", "TextVectorization")

_NO_OPTION = "Keras 3 has no such option"
_SAME = "it does not change the results"
_GROUPS = {"groups": Dropped((1,), "")}
_NO_KERNEL = {key: Dropped((ANY,), "") for key in ("kernel_initializer", "kernel_regularizer", "kernel_constraint")}
_CELL = {"implementation": Dropped((ANY,), _SAME)}
# If time_major is True, a transpose is added before and after the layer.
_RECURRENT = {"time_major": Dropped((False, True), _NO_OPTION), **_CELL}
_SPATIAL = {"noise_shape": Dropped((None,), ""), "trainable": Dropped((ANY,), "")}

DROPPED: dict[str, dict[str, Dropped]] = {
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _RECURRENT),
    **dict.fromkeys(("LSTMCell", "GRUCell", "SimpleRNNCell"), _CELL),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"), _GROUPS | _NO_KERNEL),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _GROUPS),
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), _SPATIAL),
    "Embedding": {"input_length": Dropped((ANY,), "Keras 3 derives it from the input")},
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
    # In Keras 2, dtype is the type of the output in the mode "int". In a graph, Keras 3 would cast the input to it.
    "Discretization": {"trainable": Dropped((ANY,), ""), "dtype": Dropped((ANY,), "")},
    "Resizing": {"seed": Dropped((ANY,), "")},  # from RandomCrop
    "Identity": {key: Dropped((ANY,), "") for key in ("factor", "interpolation", "seed")},  # from RandomHeight
    **dict.fromkeys(LOOKUPS, {"vocabulary_size": Dropped((ANY,), "")}),
}
DROPPED_OF_ALL = {
    "dynamic": Dropped((False,), _NO_OPTION),
    "batch_input_shape": Dropped((ANY,), ""),  # the input layer has the shape
    "input_dtype": Dropped((ANY,), ""),
    "rng_type": Dropped((ANY,), "it selects a random number generator"),
}

# Options with another name: class → old name → new name.
RENAMED: dict[str, dict[str, str]] = {
    "LeakyReLU": {"alpha": "negative_slope"},
    "InputLayer": {"batch_input_shape": "batch_shape"},
    "ReLU": {"theta": "threshold"},  # from ThresholdedReLU
}

# Options that are a number in Keras 3, and that Keras 2 also wrote as a list of one number.
NUMBERS: dict[str, str] = {"BatchNormalization": "axis"}

# Values of options that older versions did not write.
OLD_DEFAULTS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("GRU", "GRUCell"), {"reset_after": False}),
}

# Classes with another name in Keras 3: old name → (new name, reason for the user or "").
REPLACED: dict[str, tuple[str, str]] = {
    "ThresholdedReLU": ("ReLU", "with theta as its threshold"),
    "Model": ("Functional", ""),  # name before Keras 2.4
    "BatchNormalizationV1": ("BatchNormalization", ""),
    "BatchNormalizationV2": ("BatchNormalization", ""),
    "SyncBatchNormalization": ("BatchNormalization", "which computes the same at inference"),
    "RandomCrop": ("Resizing", "which computes the same at inference: it resizes, and cuts off what does not fit"),
    **dict.fromkeys(("RandomHeight", "RandomWidth"), ("Identity", "which computes the same at inference")),
    "LSTMV1": ("LSTM", ""),
    "LSTMV2": ("LSTM", ""),
    "GRUV1": ("GRU", ""),
    "GRUV2": ("GRU", ""),
}

# Options of the new class that the old class does not have: old name → options.
ADDED: dict[str, dict[str, Any]] = {"RandomCrop": {"crop_to_aspect_ratio": True}}

# Layers without an equivalent in Keras 3: class → reason and advice for the user.
REFUSED: dict[str, str] = {
    **dict.fromkeys(
        ("CuDNNLSTM", "CuDNNGRU"),
        "which stores its weights in the order of a GPU library (in Keras 2, load its weights into the same model "
        "with LSTM or GRU layers, and save that model)",
    ),
    **dict.fromkeys(
        ("LocallyConnected1D", "LocallyConnected2D"),
        "which Keras 3 removed (export the model from Keras 2 as a SavedModel)",
    ),
    **dict.fromkeys(
        ("TensorFlowOpLayer", "ModuleWrapper"),
        "which holds a part of a TensorFlow graph (export the model from Keras 2 as a SavedModel)",
    ),
}

# Modules of initializers, regularizers and constraints, by the suffix of the option's name.
PARTS: dict[str, str] = {
    "_initializer": "keras.initializers",
    "_regularizer": "keras.regularizers",
    "_constraint": "keras.constraints",
    "initializer": "keras.initializers",
    "regularizer": "keras.regularizers",
    "constraint": "keras.constraints",
}

# Old names of initializers, regularizers and constraints.
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

# Old values in the options of these objects: class → option → old value → new value.
PART_VALUES: dict[str, dict[str, dict[Any, Any]]] = {
    "VarianceScaling": {"distribution": {"normal": "truncated_normal"}},
}

# Constraints that Keras 3 does not have. Only training uses them.
TRAINING_ONLY = ("RadialConstraint",)

# Activations f for which f(x) in Keras 2 equals f(factor · x) in Keras 3: hard_sigmoid(x) is clip(0.2 x + 0.5, 0, 1) in
# Keras 2, and clip(x / 6 + 0.5, 0, 1) in Keras 3. So hard_sigmoid(x) in Keras 2 is hard_sigmoid(1.2 x) in Keras 3.
SCALED: dict[str, float] = {"hard_sigmoid": 1.2}
# Layers whose weights can be multiplied instead of the input of the activation: option of the activation → classes.
SCALABLE: dict[str, frozenset[str]] = {
    "activation": frozenset(
        """Activation Dense EinsumDense Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose
        DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell""".split()
    ),
    "recurrent_activation": frozenset("LSTM LSTMCell GRU GRUCell ConvLSTM1D ConvLSTM2D ConvLSTM3D".split()),
}

# Layers that compute something else in training.
IN_TRAINING = re.compile("Dropout|Noise|Random|BatchNormalization")

# Layers whose inputs can be a list of the sequence and the initial states.
WITH_STATES = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")

# Options of a Lambda layer that only Keras 2 writes.
LAMBDA_ONLY = ("module", "function_type", "output_shape_type", "output_shape_module")

# Class names of dtype policies, including the names in TensorFlow 2.0 to 2.3.
POLICIES = ("Policy", "PolicyV1", "DTypePolicy")

# Classes of models, with the module that Keras 3 writes for them.
MODELS = {"Functional": "keras.src.models.functional", "Sequential": "keras"}


def new_name(name: str) -> str:
    """Returns a layer's name for Keras 3, which does not allow slashes."""
    return name.replace("/", "_")
