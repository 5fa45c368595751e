"""Detects the format of a model file or folder by its content. File names do not matter."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from ...errors import InvalidArgument, NotFound, ResourceExhausted
from . import archive
from .json_text import MAX_BYTES, read_json, read_string
from .magic_numbers import file_type
from .protobuf_fields import top_level_fields

NAMES = {
    "keras": "a .keras file",
    "h5": "a whole model in HDF5",
    "weights": "weights without a model, in HDF5",
    "saved_model": "a SavedModel",
    "tfjs_layers": "a TensorFlow.js layers model",
    "tfjs_graph": "a TensorFlow.js graph model",
    "onnx": "an ONNX model",
    "architecture": "a model architecture in JSON, without weights",
}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HEADER_BYTES = 512


def recognise(path: Path) -> str:
    """Returns the format of a model, one of the keys of `NAMES`.

    Raises:
        NotFound: the path does not exist.
        InvalidArgument: the file is damaged, or its format is not supported. If the unsupported format is recognised,
            the message names it.
        PermissionDenied, ResourceExhausted: the file is unsafe or too large; see `archive` and `hdf5`.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _folder_format(path)
        if not stat.S_ISREG(mode):
            raise _unsupported(path, "neither a file nor a folder")
        return _file_format(path)
    except FileNotFoundError:
        raise NotFound(f"No such file or folder: {path}") from None
    except OSError as error:
        raise InvalidArgument(f"Cannot read {path}: {error.strerror}") from None


def tfjs_json(path: Path) -> Path:
    """Returns the path of the model.json of a TensorFlow.js model. `path` is the file itself or its folder."""
    return path / "model.json" if path.is_dir() else path


def read_bounded(path: Path, limit: int) -> bytes:
    """Returns the bytes of a file. Raises ResourceExhausted if there are more than `limit`."""
    with open(path, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ResourceExhausted(f"Expected {path.name} to have at most {limit:,} bytes. Received: more")
    return data


def read_json_file(path: Path) -> dict[str, Any]:
    """Reads a JSON object. `json.dump(model.to_json(), file)` writes it as a JSON string, which is decoded."""
    data = read_bounded(path, MAX_BYTES)
    if data.lstrip().startswith(b'"'):
        data = read_string(data, path.name).encode()
    return read_json(data, path.name)


def _unsupported(path: Path, what: str) -> InvalidArgument:
    return InvalidArgument(f"Expected a model of Keras, TensorFlow, TensorFlow.js or ONNX. Received: {path}, {what}")


def _folder_format(path: Path) -> str:
    if (path / "saved_model.pb").is_file() or (path / "saved_model.pbtxt").is_file():
        return "saved_model"
    if (path / "model.json").is_file():
        return _json_format(path / "model.json")
    names = {each.name for each in path.iterdir()}
    if "config.json" in names and names & set(archive.WEIGHTS):
        raise _unsupported(path, "an unpacked .keras file (zip its files again)")
    if "checkpoint" in names or any(name.endswith(".index") for name in names):
        raise _unsupported(path, "a TensorFlow checkpoint, which holds only weights (load it and save the whole model)")
    if names & {"_CHECKPOINT_METADATA", "_METADATA", "manifest.ocdbt"}:
        raise _unsupported(path, "an Orbax checkpoint (load it with Keras and save the whole model as .keras)")
    if versions := sorted((name for name in names if name.isdecimal()), key=int):
        raise _unsupported(path, f"a folder of model versions (import one of them, such as {path / versions[-1]})")
    if "variables" in names or "assets" in names:
        raise _unsupported(path, "a SavedModel without its saved_model.pb")
    raise _unsupported(path, f"a folder without saved_model.pb or model.json (it contains {sorted(names)[:5]!r:.200})")


def _file_format(path: Path) -> str:
    with open(path, "rb") as file:
        header = file.read(_HEADER_BYTES)
        if not header:
            raise _unsupported(path, "an empty file")
        if header.startswith(_HDF5):
            return _hdf5_format(path)
        if header.startswith(b"PK\x03\x04"):
            return _zip_format(path)
        if header.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b'"{')):
            return _json_format(path)
        if known := file_type(header):
            raise _unsupported(path, known)
        file.seek(0)
        return _protobuf_format(path, top_level_fields(file))


def _hdf5_format(path: Path) -> str:
    from . import hdf5  # imported here, because the other formats do not need h5py

    with hdf5.open_checked(path) as file:
        if "model_config" in file.attrs:
            return "h5"
        # Keras 2 writes the attribute `layer_names`. Keras 3 writes at least one of the three groups.
        if "layer_names" in file.attrs or {"layers", "vars", "_layer_checkpoint_dependencies"} & set(file):
            return "weights"
        raise _unsupported(path, f"an HDF5 file that Keras did not write (it contains {list(file)[:5]!r:.200})")


def _zip_format(path: Path) -> str:
    with archive.open_checked(path) as opened:
        names = set(opened.NameToInfo)
    if archive.CONFIG in names and names & set(archive.WEIGHTS):
        return "keras"
    if any(name.endswith((".pkl", "/version")) for name in names):
        raise _unsupported(path, "a PyTorch file (export the model to ONNX: torch.onnx.export)")
    if names and all(name.endswith(".npy") for name in names):
        raise _unsupported(path, "a NumPy archive of arrays")
    if inner := next((name for name in names if name.endswith(("saved_model.pb", "model.json"))), ""):
        raise _unsupported(path, f"a zip archive that contains {inner!r:.200} (unpack it, and import that folder)")
    missing = archive.CONFIG if archive.CONFIG not in names else archive.WEIGHTS[0]
    raise _unsupported(path, f"a zip archive without {missing}")


def _json_format(path: Path) -> str:
    value = read_json_file(path)
    topology: Any = value.get("modelTopology")
    if isinstance(topology, dict):
        if "node" in topology or "library" in topology:
            return "tfjs_graph"
        if "model_config" in topology or "class_name" in topology:
            return "tfjs_layers"
        raise _unsupported(path, "JSON whose modelTopology has no model")
    if "class_name" in value and "config" in value:
        return "architecture"
    raise _unsupported(path, f"JSON that is not a TensorFlow.js model (it contains {list(value)[:5]!r:.200})")


def _protobuf_format(path: Path, fields: set[tuple[int, int]] | None) -> str:
    if fields and {(1, 0), (7, 2)} <= fields:  # ir_version and graph
        return "onnx"
    if fields == {(1, 0), (2, 2)}:  # saved_model_schema_version and meta_graphs
        raise _unsupported(path, f"a file of a SavedModel (import its folder, {path.parent})")
    if fields and (1, 2) in fields and fields <= {(1, 2), (2, 2), (3, 0), (4, 2)}:  # node, library, versions
        raise _unsupported(path, "a frozen TensorFlow graph (import the original SavedModel)")
    raise _unsupported(path, "a file of unknown format, or an incomplete file")
