"""Reads the signatures of a SavedModel folder, and computes a fingerprint of the folder, without TensorFlow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from google.protobuf.message import DecodeError

from . import version_files
from .errors import DataLoss, NotFound, OutOfRange
from .wire import dtypes, messages, tensor
from .wire.signature import SignatureDef, TensorSpec

VARIABLES = ("VarHandleOp", "Variable", "VariableV2")  # operations that hold a variable
INTERNAL = "__saved_model_"  # the names of TensorFlow's internal signatures begin with this


def model_file(folder: Path) -> Path | None:
    """Returns the path of `saved_model.pb` or `saved_model.pbtxt`; None if the folder has neither."""
    for name in ("saved_model.pb", "saved_model.pbtxt"):
        if (folder / name).is_file():
            return folder / name
    return None


def read_meta_graph(folder: Path, tags: Iterable[str] = ("serve",)) -> Any:
    """Reads the `MetaGraphDef` that has exactly these tags.

    Raises:
        NotFound: the folder has no SavedModel, or the SavedModel has no meta graph with these tags.
        OutOfRange: `saved_model.pb` is truncated or not a SavedModel.
        DataLoss: `saved_model.pbtxt` cannot be parsed.
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
            return messages.SavedModel.FromString(version_files.read_file(file))
        return text_format.Parse(version_files.read_file(file), messages.SavedModel(), descriptor_pool=messages.POOL)
    except DecodeError:
        raise OutOfRange("Read less bytes than requested") from None
    except text_format.ParseError as error:
        raise DataLoss(f"Can't parse {file} as text proto: {error}") from None


def check_variables(folder: Path, meta_graph: Any) -> None:
    """Raises NotFound if the graph has variables, and their values are not in the folder.

    TensorFlow does not find this error when it loads such a SavedModel: each request fails. The folder may still be
    being copied.
    """
    index = folder / "variables" / "variables.index"
    if (
        meta_graph.saver_def.restore_op_name
        and any(node.op in VARIABLES for node in meta_graph.graph_def.node)
        and not index.is_file()
    ):
        raise NotFound(f"The graph has variables, but the file with their values does not exist (yet): {index}")


def read_signatures(folder: Path, tags: Iterable[str] = ("serve",)) -> dict[str, SignatureDef]:
    """Returns the signatures by name, except TensorFlow's internal ones. Raises the errors of `read_meta_graph`."""
    return signatures_of(read_meta_graph(folder, tags))


def signatures_of(meta_graph: Any) -> dict[str, SignatureDef]:
    """Returns the signatures of a `MetaGraphDef` by name, except TensorFlow's internal signatures."""
    return {
        name: SignatureDef(
            name,
            message.method_name,
            {key: _spec(info) for key, info in sorted(message.inputs.items())},
            {key: _spec(info) for key, info in sorted(message.outputs.items())},
            {key: tensor.array_or_error(proto) for key, proto in sorted(message.defaults.items())},
        )
        for name, message in meta_graph.signature_def.items()
        if not name.startswith(INTERNAL)
    }


def _spec(info: Any) -> TensorSpec:
    shape = info.tensor_shape
    sizes = None if shape.unknown_rank else tuple(dim.size for dim in shape.dim)
    dtype = dtypes.BY_NUMBER.get(info.dtype) or _foreign(info.dtype)
    return TensorSpec.named(info.name, dtype, sizes, shape.dim[-1].name if shape.dim else "")


def _foreign(number: int) -> dtypes.DataType:
    """Returns a data type that requests cannot contain, such as DT_RESOURCE.

    Its NumPy dtype is `V`, which no array in a request has. So every array for an input of this type is rejected.
    """
    known = messages.TensorProto.DESCRIPTOR.fields_by_name["dtype"].enum_type.values_by_number
    enum = known[number].name if number in known else f"DT_{number}"
    return dtypes.DataType(number, enum.removeprefix("DT_").lower(), np.dtype("V"), "", enum)


def fingerprint(folder: Path) -> str:
    """Returns a SHA-256 hash of the SavedModel file and the variables. Equal hashes mean equal graphs and weights."""
    digest = hashlib.sha256()
    file = model_file(folder)
    for each in [*([file] if file else []), *sorted((folder / "variables").glob("variables.*"))]:
        with version_files.open_file(each) as content:
            digest.update(f"{each.name}\0{each.stat().st_size}\0".encode())
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
