"""Reads what a server needs of a SavedModel folder, without TensorFlow: its signatures and its fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from google.protobuf.message import DecodeError

from .errors import DataLoss, NotFound, OutOfRange
from .wire import dtypes, messages, tensor
from .wire.signature import SignatureDef, TensorSpec


def model_file(folder: Path) -> Path | None:
    """The file of a SavedModel, binary or text; None where there is neither."""
    for name in ("saved_model.pb", "saved_model.pbtxt"):
        if (folder / name).is_file():
            return folder / name
    return None


def read_meta_graph(folder: Path, tags: Iterable[str] = ("serve",)) -> Any:
    """The `MetaGraphDef` with exactly these tags.

    Raises:
        NotFound: no SavedModel, or no graph with these tags.
        OutOfRange: the file is cut short or is no SavedModel.
    """
    wanted = list(dict.fromkeys(tags))
    for graph in _read(folder).meta_graphs:
        if set(graph.meta_info_def.tags) == set(wanted):
            return graph
    raise NotFound(
        f"Could not find meta graph def matching supplied tags: {{ {' '.join(reversed(wanted))} }}. "
        "To inspect available tag-sets in the SavedModel, please use the SavedModel CLI: `saved_model_cli`"
    )


def _read(folder: Path) -> Any:
    file = model_file(folder)
    if file is None:
        raise NotFound(
            f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {folder}. "
            "Check that the directory exists and that you have the right permissions for accessing it."
        )
    try:
        if file.suffix == ".pb":
            return messages.SavedModel.FromString(file.read_bytes())
        return text_format.Parse(file.read_bytes(), messages.SavedModel(), descriptor_pool=messages.POOL)
    except DecodeError:
        raise OutOfRange("Read less bytes than requested") from None
    except text_format.ParseError as error:
        raise DataLoss(f"Can't parse {file} as text proto: {error}") from None


def read_signatures(folder: Path, tags: Iterable[str] = ("serve",)) -> dict[str, SignatureDef]:
    """The signatures by name, TensorFlow's own initialisation ones left out. Errors as `read_meta_graph`."""
    return signatures_of(read_meta_graph(folder, tags))


def signatures_of(meta_graph: Any) -> dict[str, SignatureDef]:
    """As `read_signatures`, from a `MetaGraphDef` that is already read."""
    return {
        name: SignatureDef(
            name,
            message.method_name,
            {key: _spec(info) for key, info in sorted(message.inputs.items())},
            {key: _spec(info) for key, info in sorted(message.outputs.items())},
            {key: tensor.array_or_error(proto) for key, proto in sorted(message.defaults.items())},
        )
        for name, message in meta_graph.signature_def.items()
        if not name.startswith("__saved_model_")
    }


def _spec(info: Any) -> TensorSpec:
    shape = info.tensor_shape
    sizes = None if shape.unknown_rank else tuple(dim.size for dim in shape.dim)
    return TensorSpec(info.name, dtypes.BY_NUMBER.get(info.dtype) or _foreign(info.dtype), sizes)


def _foreign(number: int) -> dtypes.DataType:
    """A dtype that no request can carry, such as that of a resource: no array has the NumPy dtype `V`."""
    known = messages.TensorProto.DESCRIPTOR.fields_by_name["dtype"].enum_type.values_by_number
    enum = known[number].name if number in known else f"DT_{number}"
    return dtypes.DataType(number, enum.removeprefix("DT_").lower(), np.dtype("V"), "", enum)


def fingerprint(folder: Path) -> str:
    """SHA-256 over the SavedModel's file and the variables: two folders with the same one hold the same model."""
    digest = hashlib.sha256()
    file = model_file(folder)
    for each in [*([file] if file else []), *sorted((folder / "variables").glob("variables.*"))]:
        with open(each, "rb") as content:
            digest.update(f"{each.name}\0{each.stat().st_size}\0".encode())
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
