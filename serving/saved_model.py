"""Reads what a server needs of a SavedModel folder, without TensorFlow: its signatures and its fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from .errors import InvalidArgument, NotFound, OutOfRange
from .wire import dtypes, messages

DEFAULT_SIGNATURE = "serving_default"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output of a signature.

    Attributes:
        tensor: the graph's own name for it, such as "serving_default_x:0".
        dtype: its data type.
        shape: sizes, −1 where any size will do; None where any rank will do.
    """

    tensor: str
    dtype: dtypes.DataType
    shape: tuple[int, ...] | None

    def accepts(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of `shape` fits."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(
            want in (-1, got) for want, got in zip(self.shape, shape, strict=True)
        )


@dataclass(frozen=True, slots=True)
class SignatureDef:
    """A named function of a SavedModel: what goes in and what comes out, by name."""

    name: str
    method_name: str
    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]


def read_meta_graph(folder: Path, tags: frozenset[str] = frozenset({"serve"})) -> Any:
    """The `MetaGraphDef` with exactly these tags.

    Raises:
        NotFound: no saved_model.pb, or no graph with these tags.
        OutOfRange: saved_model.pb is cut short or is no SavedModel.
    """
    file = folder / "saved_model.pb"
    if not file.is_file():
        raise NotFound(f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {folder}")
    try:
        saved = messages.SavedModel.FromString(file.read_bytes())
    except DecodeError:
        raise OutOfRange("Read less bytes than requested") from None
    for graph in saved.meta_graphs:
        if frozenset(graph.meta_info_def.tags) == tags:
            return graph
    found = [sorted(graph.meta_info_def.tags) for graph in saved.meta_graphs]
    raise NotFound(f"Could not find meta graph def matching supplied tags: {sorted(tags)}. Found: {found}")


def read_signatures(folder: Path) -> dict[str, SignatureDef]:
    """The signatures by name, TensorFlow's own initialisation ones left out. Errors as `read_meta_graph`."""
    return signatures_of(read_meta_graph(folder))


def signatures_of(meta_graph: Any) -> dict[str, SignatureDef]:
    """As `read_signatures`, from a `MetaGraphDef` that is already read."""
    return {
        name: SignatureDef(
            name,
            message.method_name,
            {key: _spec(info) for key, info in message.inputs.items()},
            {key: _spec(info) for key, info in message.outputs.items()},
        )
        for name, message in meta_graph.signature_def.items()
        if not name.startswith("__saved_model_")
    }


def _spec(info: Any) -> TensorSpec:
    row = dtypes.BY_NUMBER.get(info.dtype)
    if row is None:
        raise InvalidArgument(f"Expected a tensor of a known dtype. Received: {info.name} of dtype {info.dtype}")
    shape = info.tensor_shape
    return TensorSpec(info.name, row, None if shape.unknown_rank else tuple(dim.size for dim in shape.dim))


def fingerprint(folder: Path) -> str:
    """SHA-256 over saved_model.pb and the variables: two folders with the same one hold the same model."""
    digest = hashlib.sha256()
    for file in [folder / "saved_model.pb", *sorted((folder / "variables").glob("variables.*"))]:
        with open(file, "rb") as content:
            digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
