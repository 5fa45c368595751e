"""What an import finds out about the pixel values and the classes of a model, with lines of text for the user."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from ..errors import InvalidArgument
from ..signatures.activations import SIGMOID, SOFTMAX, output_activation, output_layer
from ..signatures.classifier import class_count
from ..signatures.pixels import UNKNOWN, is_autoencoder, pixel_range, takes_images
from ..wire.signature import PIXELS

_OUTPUT = "probabilities"  # `signatures.endpoints` recognizes a classifier by this name of the last layer
_DETECTOR = {"cell_probabilities", "cell_boxes"}


def pixels(model: keras.Model, given: str | None, default: str | None) -> tuple[str, list[str]]:
    """Returns which pixel values the model expects, or "unknown", and lines of text that say it.

    Args:
        model: any built Keras model.
        given: the value of --pixels, or None.
        default: the range if the layers of the model do not say it. None if it is not known.
    """
    if not takes_images(model):
        note = "--pixels is not used: the model has no input of images with one or three channels"
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


def named_classes(model: keras.Model, labels: Sequence[str] | None) -> tuple[keras.Model, list[str]]:
    """Names the output of a classifier, so that the model gets `classify`. Says why labels have no use.

    A softmax has as many classes as outputs. A single sigmoid is a classifier if there are two labels.

    Returns:
        The model (a new one with the same layers if its output was named), and lines of text for the user.

    Raises:
        InvalidArgument: the number of labels is not the number of classes.
    """
    if isinstance(model.output, dict) and set(model.output) == _DETECTOR:
        return model, []
    if is_autoencoder(model):
        return model, _unused(labels, "the model is an autoencoder")
    if len(model.outputs) != 1:
        return model, _unused(labels, f"the model has {len(model.outputs)} outputs")
    shape, activation, layer = tuple(model.outputs[0].shape), output_activation(model), output_layer(model)
    if len(shape) != 2:
        return model, _unused(labels, f"the output {layer} has the shape {shape}, not (batch, classes)")
    notes = []
    operation = model.outputs[0]._keras_history.operation
    if operation.name != _OUTPUT:
        if activation == SOFTMAX and shape[1] > 1:
            notes.append(f"classifier: {layer} computes a softmax")
        elif activation == SIGMOID and shape[1] == 1 and labels:
            _check(labels, 2)
            notes.append(f"classifier: {layer} computes a sigmoid, which is the probability of {labels[1]!r}")
        else:
            return model, _unused(labels, _no_classes(layer, activation, shape[1]))
        try:
            named = keras.layers.Identity(name=_OUTPUT)(model.outputs[0])
            model = keras.Model(model.input, named, name=model.name)
        except ValueError:  # another layer has this name
            return model, _unused(labels, f"a layer other than the last one has the name {_OUTPUT}")
    if not class_count(model):
        return model, [
            f"no signature classify: {_no_classes(layer, activation, shape[1])}",
            *_unused(labels, "the model gets no signature classify"),
        ]
    if labels:
        _check(labels, class_count(model))
    elif activation == SIGMOID:
        notes.append(f'classes: "1" if {layer} is above 0.5, otherwise "0" (--labels FILE gives them other names)')
    return model, notes


def _check(labels: Sequence[str], count: int) -> None:
    if len(labels) != count:
        raise InvalidArgument(
            f"Expected {count} labels in the file of --labels, one for each class. Received: {len(labels)}"
        )


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
