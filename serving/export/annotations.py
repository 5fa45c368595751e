"""Writes into a version how the inputs of its signatures are prepared, for clients and for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...preparation.description import Preparation, read, to_json
from ...preparation.fields import BadPreparation
from ...preparation.notes import write_note
from .. import warmup_file
from ..errors import InvalidArgument
from ..signatures import Endpoint
from ..wire import messages
from ..wire.signature import PIXELS_DIMENSION


def described(preparation: Preparation | Mapping[str, Any] | None) -> Preparation | None:
    """Returns the description in the JSON object of a `preparation.json`. Raises InvalidArgument if it is wrong."""
    if not isinstance(preparation, Mapping):
        return preparation
    try:
        return read(preparation)
    except BadPreparation as error:
        raise InvalidArgument(f"Wrong preparation: {error}") from None


def annotate(file: Path, signatures: Mapping[str, Endpoint]) -> None:
    """Writes the range of pixel values and the notes into the signatures, and gives the inputs their final names.

    The range or the note becomes the name of the last dimension. A SavedModel has no other text for an input or output.
    TensorFlow ignores the names of dimensions.
    """
    content = messages.SavedModel.FromString(file.read_bytes())
    for graph in content.meta_graphs:
        for signature, endpoint in signatures.items():
            definition = graph.signature_def[signature]
            for name, info in definition.inputs.items():
                if name in endpoint.notes:
                    info.tensor_shape.dim[-1].name = write_note(endpoint.notes[name])
                elif endpoint.pixels and name.startswith("image"):
                    info.tensor_shape.dim[-1].name = PIXELS_DIMENSION + endpoint.pixels
            for name, noted in endpoint.output_notes.items():
                definition.outputs[name].tensor_shape.dim[-1].name = write_note(noted)
            infos = {name: info.SerializeToString() for name, info in definition.inputs.items()}
            definition.inputs.clear()
            for name, serialized in infos.items():
                definition.inputs[endpoint.names.get(name, name)].ParseFromString(serialized)
    file.write_bytes(content.SerializeToString())


def write_preparation(folder: Path, preparation: Preparation | None) -> None:
    """Writes the preparation as a JSON file, for people. Servers and clients read it in the signatures."""
    if preparation is not None:
        file = folder / warmup_file.FILE.parent / "preparation.json"
        file.write_text(json.dumps(to_json(preparation), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
