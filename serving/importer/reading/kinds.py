"""What kind of model a file or a folder holds, told by its content."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from ...errors import InvalidArgument, NotFound, ResourceExhausted
from . import archive
from .json_text import MAX_BYTES, read_json
from .magic_numbers import named
from .protobuf_fields import outer_fields

NAMES = {
    "keras": "a .keras file",
    "h5": "a whole model in HDF5",
    "weights": "weights alone in HDF5",
    "saved_model": "a SavedModel",
    "tfjs_layers": "a TensorFlow.js layers model",
    "tfjs_graph": "a TensorFlow.js graph model",
    "onnx": "an ONNX model",
}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HEAD = 512


def recognise(path: Path) -> str:
    """The kind of a model: one of `NAMES`.

    Raises:
        NotFound: there is nothing.
        InvalidArgument: it is none of these; the error says what it is. Or it is damaged.
        PermissionDenied, ResourceExhausted: it refers to what is not in it, or is too large; see `archive` and `hdf5`.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _of_folder(path)
        if not stat.S_ISREG(mode):
            raise _refused(path, "neither a file nor a folder")
        return _of_file(path)
    except FileNotFoundError:
        raise NotFound(f"Expected a model's file or folder. Received: {path}, which is not there") from None
    except OSError as error:
        raise InvalidArgument(f"Expected a file that can be read. Received: {path} ({error.strerror})") from None


def tfjs_json(path: Path) -> Path:
    """The model.json of a TensorFlow.js model, which may be given by its folder."""
    return path / "model.json" if path.is_dir() else path


def read_bounded(path: Path, limit: int) -> bytes:
    """A file's bytes. Raises ResourceExhausted where there are more than `limit`."""
    with open(path, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ResourceExhausted(f"Expected {path.name} of at most {limit:,} bytes. Received: more")
    return data


def _refused(path: Path, what: str) -> InvalidArgument:
    return InvalidArgument(f"Expected a model of Keras, TensorFlow, TensorFlow.js or ONNX. Received: {path}, {what}")


def _of_folder(path: Path) -> str:
    if (path / "saved_model.pb").is_file() or (path / "saved_model.pbtxt").is_file():
        return "saved_model"
    if (path / "model.json").is_file():
        return _of_json(path / "model.json")
    names = {each.name for each in path.iterdir()}
    if "config.json" in names and names & set(archive.WEIGHTS):
        raise _refused(path, "an unpacked .keras file (zip its files again)")
    if "checkpoint" in names or any(name.endswith(".index") for name in names):
        raise _refused(path, "a checkpoint of TensorFlow, which holds weights alone (load it and save the whole model)")
    if names & {"_CHECKPOINT_METADATA", "_METADATA", "manifest.ocdbt"}:
        raise _refused(path, "a checkpoint of Orbax (load it with Keras and save the whole model as .keras)")
    if versions := sorted((name for name in names if name.isdecimal()), key=int):
        raise _refused(path, f"a folder of versions (give one of them, such as {path / versions[-1]})")
    if "variables" in names or "assets" in names:
        raise _refused(path, "a SavedModel without its saved_model.pb")
    raise _refused(path, f"a folder without saved_model.pb and model.json (in it: {sorted(names)[:5]!r:.200})")


def _of_file(path: Path) -> str:
    with open(path, "rb") as file:
        head = file.read(_HEAD)
        if not head:
            raise _refused(path, "an empty file")
        if head.startswith(_HDF5):
            return _of_hdf5(path)
        if head.startswith(b"PK\x03\x04"):
            return _of_zip(path)
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return _of_json(path)
        if known := named(head):
            raise _refused(path, known)
        file.seek(0)
        return _of_fields(path, outer_fields(file))


def _of_hdf5(path: Path) -> str:
    from . import hdf5  # whose library is not needed for the others

    with hdf5.open_checked(path) as file:
        if "model_config" in file.attrs:
            return "h5"
        # Keras 2 lists its layers in an attribute, Keras 3 has groups of its own names.
        if "layer_names" in file.attrs or {"layers", "vars", "_layer_checkpoint_dependencies"} & set(file):
            return "weights"
        raise _refused(path, f"an HDF5 file that Keras has not written (in it: {list(file)[:5]!r:.200})")


def _of_zip(path: Path) -> str:
    with archive.open_checked(path) as opened:
        names = set(opened.NameToInfo)
    if archive.CONFIG in names and names & set(archive.WEIGHTS):
        return "keras"
    if any(name.endswith((".pkl", "/version")) for name in names):
        raise _refused(path, "a PyTorch file (export the model to ONNX: torch.onnx.export)")
    if names and all(name.endswith(".npy") for name in names):
        raise _refused(path, "a NumPy archive of arrays")
    if inner := next((name for name in names if name.endswith(("saved_model.pb", "model.json"))), ""):
        raise _refused(path, f"a zip archive around {inner!r:.200} (unpack it, and give that folder)")
    wanted = archive.CONFIG if archive.CONFIG not in names else archive.WEIGHTS[0]
    raise _refused(path, f"a zip archive without {wanted}")


def _of_json(path: Path) -> str:
    value = read_json(read_bounded(path, MAX_BYTES), path.name)
    topology: Any = value.get("modelTopology")
    if isinstance(topology, dict):
        if "node" in topology or "library" in topology:
            return "tfjs_graph"
        if "model_config" in topology or "class_name" in topology:
            return "tfjs_layers"
        raise _refused(path, "JSON with a modelTopology of no model")
    if "class_name" in value and "config" in value:
        raise _refused(path, "a model's architecture in JSON, without weights (keras.models.model_from_json reads it)")
    raise _refused(path, f"JSON that is no model of TensorFlow.js (in it: {list(value)[:5]!r:.200})")


def _of_fields(path: Path, fields: set[tuple[int, int]] | None) -> str:
    if fields and {(1, 0), (7, 2)} <= fields:  # ir_version and graph
        return "onnx"
    if fields == {(1, 0), (2, 2)}:  # saved_model_schema_version and meta_graphs
        raise _refused(path, f"the file of a SavedModel (give its folder, {path.parent})")
    if fields and (1, 2) in fields and fields <= {(1, 2), (2, 2), (3, 0), (4, 2)}:  # node, library, versions
        raise _refused(path, "a frozen graph of TensorFlow (give the SavedModel that it was made of)")
    raise _refused(path, "a file of no kind that is known here, or one that is cut short")
