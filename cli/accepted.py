"""Says which inputs a served model takes, for error messages of the commands that send requests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ..models.errors import GalleryError
from ..preparation.description import Series

if TYPE_CHECKING:
    from ..serving.wire.signature import SignatureDef

    Signatures = Mapping[str, SignatureDef]

FORMS = ("", "_png", "_rows", "_text")  # ends of the names of the signatures that the commands use
OTHERS = ("_padded", "_example")  # ends of the names of signatures for the same task
DEFAULT = "serving_default"
SHOWN = 8  # names in a message


def check_task(model: str, task: str, known: Signatures) -> None:
    """Raises GalleryError if the model has no signature of the task. The message says which tasks the model has."""
    if any(task + form in known for form in FORMS):
        return
    ends = (*filter(None, FORMS), *OTHERS)
    tasks = {name for name in known if name != DEFAULT and not (name.endswith(ends) and _base(name, ends) in known)}
    found = [f"{name} ({takes(name, known, columns=False)})" for name in sorted(tasks or known)]
    raise GalleryError(f"{model} has no signature {task}. It has: {_listed(found, '; ')}.")


def takes(task: str, known: Signatures, columns: bool = True) -> str:
    """Returns which inputs the signatures of a task take: "pictures, or arrays of shape (n, 28, 28, 1)".

    `columns` says whether the names of columns are listed.
    """
    found = [known[task + form] for form in ("_png", "_rows", "_text", "") if task + form in known]
    return ", or ".join(dict.fromkeys(_inputs(each, columns) for each in found))


def _inputs(signature: SignatureDef, columns: bool) -> str:
    """Returns the kind of the inputs of a signature."""
    from ..serving.client.client import STATE
    from ..serving.wire import dtypes

    specs = {name: spec for name, spec in signature.inputs.items() if spec.shape != ()}  # without a count or a seed
    if signature.name.endswith("_png"):
        return "pictures"
    if not specs:
        return "no input"
    if any(name.startswith(STATE) for name in specs):
        return "one step of a sequence, and the states after the step before"
    if signature.name == "analogy":
        return "three words"
    if signature.name.endswith("_rows") or len(specs) > 1:
        return "a table" + (f" with the columns {_listed(list(specs))}" if columns else "")
    (spec,) = specs.values()
    if spec.dtype is dtypes.STRING:
        return "texts"
    if isinstance(spec.noted, Series):
        return "a time series" + (f" of {_listed([each.name for each in spec.noted.columns])}" if columns else "")
    sizes = ("n", *("any" if size < 0 else str(size) for size in (spec.shape or ())[1:]))
    return f"arrays of shape ({', '.join(sizes)})" if spec.shape else "arrays"


def _base(name: str, ends: Collection[str]) -> str:
    return next(name.removesuffix(end) for end in ends if name.endswith(end))


def _listed(names: list[str], separator: str = ", ") -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return separator.join(names[:SHOWN]) + more
