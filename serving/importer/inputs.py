"""What an import finds out about the pixel values and the classes of a model, with lines of text for the user."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from ..errors import FailedPrecondition, InvalidArgument
from ..signatures.activations import SIGMOID, SOFTMAX, output_activation, output_layer
from ..signatures.classifier import class_count
from ..signatures.find import endpoints, plain
from ..signatures.lookups import without_vocabulary
from ..signatures.pixels import UNKNOWN, is_autoencoder, pixel_range, takes_images
from ..wire.signature import PIXELS

_OUTPUT = "probabilities"  # `signatures.endpoints` recognizes a classifier by this name of the last layer
_DETECTOR = {"cell_probabilities", "cell_boxes"}


def check_vocabularies(model: keras.Model) -> None:
    """Raises FailedPrecondition if a layer such as `StringLookup` has no vocabulary.

    HDF5 files have the vocabulary of a layer only if it was an argument of the layer.
    """
    if missing := without_vocabulary(model):
        raise FailedPrecondition(
            f"The file lacks the vocabulary of the layer {missing[0]}. HDF5 files do not store a vocabulary that "
            "adapt() collected: save the model as a .keras file, or create the layer with "
            "vocabulary=layer.get_vocabulary()"
        )


def pixels(
    model: keras.Model, given: str | None, default: str | None = None, *, whole: bool = False
) -> tuple[str, list[str]]:
    """Returns which pixel values the model expects, or "unknown", and lines of text that say it.

    There are no such lines for a model that has no signatures for image files with any range.

    Args:
        model: any built Keras model, whose parts and output have their names.
        given: the value of --pixels, or None.
        default: the range if the layers of the model do not say it. None if it is not known.
        whole: whether the model gets `serving_default` only.
    """
    if whole or not takes_images(model) or not any(name.endswith("_png") for name in endpoints(model, pixels="0..1")):
        note = "--pixels is not used: the model gets no signatures for PNG and JPEG files"
        return UNKNOWN, [note] if given else []
    found, reason = pixel_range(model)
    if given:
        is_other = found not in (None, given)
        return given, [
            f"pixel values: {given}, as --pixels says"
            + (f"; the layers of the model seem to expect {found}: {reason}" if is_other else "")
        ]
    if found:
        return found, [f"pixel values: {found}, because {reason}"]
    if default:
        return default, []
    return UNKNOWN, [
        "no signatures for PNG and JPEG files, because the layers do not say which pixel values the model expects: "
        f"say it with --pixels ({', '.join(PIXELS)})"
    ]


def named_classes(
    model: keras.Model, labels: Sequence[str] | None, *, whole: bool = False
) -> tuple[keras.Model, list[str]]:
    """Names the output of a classifier, so that the model gets `classify`. Says why labels have no use.

    A softmax has as many classes as outputs. A single sigmoid is a classifier if there are two labels.

    Args:
        model: any built Keras model.
        labels: names of the classes, or None.
        whole: whether the model gets `serving_default` only.

    Returns:
        The model (a new one with the same layers if its output was named), and lines of text for the user.

    Raises:
        InvalidArgument: the number of labels is not the number of classes.
    """
    if whole:
        return model, _unused(labels, "the model gets serving_default only")
    if isinstance(model.output, dict) and set(model.output) == _DETECTOR:
        return model, []
    if is_autoencoder(model):
        return model, _unused(labels, "the model is an autoencoder")
    if len(model.outputs) != 1:
        return model, _unused(labels, f"the model has {len(model.outputs)} outputs")
    shape, activation, layer = _output_shape(model), output_activation(model), output_layer(model)
    if len(shape) != 2:
        return model, _unused(labels, f"the output {layer} has the shape {shape}, not (batch, classes)")
    size, notes = shape[1] or 0, []
    operation = model.outputs[0]._keras_history.operation
    if operation.name != _OUTPUT:
        if activation == SOFTMAX and size > 1:
            notes.append(f"classifier: {layer} computes a softmax")
        elif activation == SIGMOID and size == 1 and labels:
            _check(labels, 2)
            notes.append(f"classifier: {layer} computes a sigmoid, which is the probability of {labels[1]!r}")
        else:
            if activation == SIGMOID and size == 1:
                notes.append(f"no signature classify: {layer} computes a sigmoid (--labels FILE names its two classes)")
            return model, [*notes, *_unused(labels, _no_classes(layer, activation, size))]
        for other in model.layers:
            if other.name == _OUTPUT:
                other.name = f"inner_{_OUTPUT}"
                notes.append(f"layer {_OUTPUT!r} is now named {other.name!r}, because the output has this name")
        named = keras.layers.Identity(name=_OUTPUT)(model.outputs[0])
        model = keras.Model(model.input, named, name=model.name)
    if not class_count(model):
        return model, [
            f"no signature classify: {_no_classes(layer, activation, size)}",
            *_unused(labels, "the model gets no signature classify"),
        ]
    if labels:
        _check(labels, class_count(model))
    elif activation == SIGMOID:
        notes.append(f'classes: "1" if {layer} is above 0.5, otherwise "0" (--labels FILE gives them other names)')
    return model, notes


def _output_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Returns the shape of the output.

    For texts of shape (batch, 1), Keras assumes a dimension too many after a `TextVectorization` with `multi_hot`, so
    this function runs models of texts.
    """
    declared = tuple(model.outputs[0].shape)
    if not any(x.dtype == "string" for x in model.inputs):
        return declared
    endpoint = plain(model, seed=0)
    example = endpoint.example(2)
    (output,) = endpoint.function(*(tf.constant(example[spec.name], spec.dtype) for spec in endpoint.inputs)).values()
    return (None, *declared[-1:]) if len(output.shape) == 2 else declared


def _check(labels: Sequence[str], count: int) -> None:
    if len(labels) != count:
        raise InvalidArgument(f"Expected {count} labels in --labels, one for each class. Received: {len(labels)}")


def _no_classes(layer: str, activation: str | None, size: int) -> str:
    """Says why the output of a layer is not the probabilities of classes."""
    if activation == SIGMOID and size > 1:
        return f"the {size} outputs of {layer} are independent sigmoids, not the probabilities of classes"
    if activation == SIGMOID:
        return f"{layer} computes a sigmoid, and there are no two labels"
    if activation == SOFTMAX:
        return f"{layer} computes a softmax of one class"
    return f"{layer} computes neither a softmax nor a sigmoid"


def _unused(labels: Sequence[str] | None, reason: str) -> list[str]:
    return [f"--labels is not used: {reason}"] if labels else []
