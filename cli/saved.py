"""Describes the exported and imported models in a folder such as `saved_models`, without TensorFlow."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..serving.wire.signature import SignatureDef, TensorSpec

_SHOWN = 20  # labels and signatures in a line


def names(root: str | Path) -> list[str]:
    """Returns the names of the models."""
    return [name for name, _ in _models(Path(root))]


def rows(root: str | Path, pattern: str = "*") -> list[str]:
    """Returns a line for each model: its name and its versions, and the origin and the signatures of the newest one."""
    found = [(name, folders) for name, folders in _models(Path(root)) if fnmatchcase(name, pattern)]
    table = [
        (name, ", ".join(folder.name for folder in folders), _origin(folders[0]), _summary(folders[0]))
        for name, folders in found
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "    " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    ]


def lines(root: str | Path, name: str) -> list[str]:
    """Returns lines that describe a model, or no lines if there is no such model.

    The lines are the versions, and the origin, the signatures and the labels of the newest version.
    """
    from ..serving import description

    folders = dict(_models(Path(root))).get(name)
    if not folders:
        return []
    newest, older = folders[0], [folder.name for folder in folders[1:]]
    described = description.read(newest)
    text = [f"{newest}: {_origin(newest)}"]
    text += [f"    {described.format}"] if described.format else []
    text += [f"    other versions: {', '.join(older)}"] if older else []
    signatures = _signatures(newest)
    if isinstance(signatures, str):
        return [*text, f"    {signatures}"]
    text += ["", "Signatures"]
    told: dict[str, str] = {}  # the first signature with each sentence about an input or output
    for signature in signatures.values():
        sources = described.outputs.get(signature.name, {})
        inputs = [f"        {key}  {_spec(spec, signature.name, told)}" for key, spec in signature.inputs.items()]
        outputs = [
            f"     -> {key}  {_spec(signature.outputs[key], signature.name, told)}"
            + (f", {sources[key]}" if sources.get(key) else "")
            for key in described.in_order(signature.name, signature.outputs)
        ]
        text += [f"    {signature.name}", *inputs, *outputs]
    if described.labels:
        text += ["", f"Labels ({len(described.labels)})", f"    {_listed(described.labels)}"]
    return text


def signature_lines(version: Path) -> list[str]:
    """Returns a line for each signature of a version, with the names of its inputs and outputs."""
    from ..serving import description
    from ..serving.saved_model import read_signatures

    described = description.read(version)
    return [
        f"    {name:16} {', '.join(each.inputs)} -> {', '.join(described.in_order(name, each.outputs))}"
        for name, each in sorted(read_signatures(version).items())
    ]


def _models(root: Path) -> Iterator[tuple[str, list[Path]]]:
    """Yields the name of each model and the folders of its versions, the newest version first."""
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if folder.is_dir() and not folder.name.startswith("."):
            versions = [each for each in folder.iterdir() if each.name.isdecimal() and each.is_dir()]
            if versions:
                yield folder.name, sorted(versions, key=lambda each: int(each.name), reverse=True)


def _origin(version: Path) -> str:
    from ..serving import description

    if not (version / description.FILE).is_file():
        return "from elsewhere"
    file = description.read(version).file
    return f"imported from {file}" if file else "exported"


def _signatures(version: Path) -> dict[str, SignatureDef] | str:
    """Returns the signatures of a version by name, or the reason why it has none."""
    from ..serving import saved_model
    from ..serving.errors import ServingError

    if (version / "model.tflite").is_file() and saved_model.model_file(version) is None:
        return "a TensorFlow Lite model"
    try:
        return dict(sorted(saved_model.read_signatures(version).items()))
    except (OSError, ServingError) as error:
        return f"cannot be read: {str(error).splitlines()[0]}"


def _summary(version: Path) -> str:
    found = _signatures(version)
    return found if isinstance(found, str) else _listed(found)


def _listed(names: Collection[str]) -> str:
    """Joins the first `_SHOWN` names, and says how many more there are."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(list(names)[:_SHOWN]) + more


def _spec(spec: TensorSpec, signature: str, told: dict[str, str]) -> str:
    """Describes an input or output: "float32 (any, 28, 28, 1), pixel values 0..255", with what the signature says.

    Args:
        spec: the input or output.
        signature: the name of its signature.
        told: the first signature with each sentence. A later signature refers to it: "as in encode_png".
    """
    from ..preparation.notes import sentence

    sizes = None if spec.shape is None else ["any" if size < 0 else str(size) for size in spec.shape]
    shape = "of any shape" if sizes is None else f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"
    dtype = "string" if spec.dtype.name == "string" else spec.dtype.numpy.name
    about = f"pixel values {spec.pixels}" if spec.pixels else ""
    if spec.noted:
        about = sentence(spec.noted)
        first = told.setdefault(about, signature)
        about = about if first == signature else f"as in {first}"
    return f"{dtype} {shape}" + (f", {about}" if about else "")
