"""REST predict requests: the row form (`instances`) and the columnar form (`inputs`) as arrays.

Numbers, by far the commonest content, are read by orjson and NumPy where that is bound to give what
`json_reader` and `json_tensors` give; everything else is read by those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from ...errors import InvalidArgument
from ..signature import DEFAULT_SIGNATURE, SignatureDef, TensorSpec
from . import reader as json_reader
from .document import MISSING, Object
from .lists import Grid, loads, to_array
from .numbers import has_long
from .tensors import LIMITS, cast, from_columns, from_rows
from .writer import text_of

Array = np.ndarray[Any, Any]

# Two that begin with a letter are searched for ten times as fast as one that begins with a choice.
_LARGE_EXPONENTS = re.compile(rb"e\+?[0-9]{3}"), re.compile(rb"E\+?[0-9]{3}")


@dataclass(slots=True)
class Body:
    """A predict request as sent.

    Attributes:
        data: the text.
        numbers: the document as `json_lists.loads` reads it, if it holds nothing but numbers, lists and the names
            around them.
        document: the document as TensorFlow Serving reads it; None while it has not been needed.
        signature: the signature's name, "" if not said.
    """

    data: bytes
    numbers: dict[str, Any] | None = None
    document: Object | None = None
    signature: str = ""

    @property
    def rows(self) -> bool:
        """Whether the request, and so the answer, is in rows."""
        if self.numbers is not None:
            return "instances" in self.numbers
        return self.document is not None and self.document.find("instances") is not MISSING


def parse(data: bytes) -> Body:
    """Reads a predict request's body.

    Raises:
        InvalidArgument: for bytes that are not JSON, or JSON that is no object.
    """
    return parse_numbers(data) or parse_exactly(data)


def parse_numbers(data: bytes) -> Body | None:
    """As `parse`, in a few milliseconds a megabyte; None for a body that holds more than numbers."""
    try:
        numbers = loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(numbers, dict) or not _only_numbers(data, numbers):
        return None
    return Body(data, numbers, signature=numbers.get("signature_name", ""))


def parse_exactly(data: bytes) -> Body:
    """As `parse`, for any body; may take a second a megabyte."""
    document = document_of(data)
    return Body(data, None, document, signature_of(document))


def document_of(data: bytes) -> Object:
    """The document, if it is an object. Raises InvalidArgument for anything else."""
    document = json_reader.loads(data)
    if not isinstance(document, Object):
        raise InvalidArgument(f"JSON Value: {text_of(document)} Is not object")
    return document


def signature_of(document: Object) -> str:
    """The name of the signature that a request asks for, "" if none. Raises InvalidArgument for what is no name."""
    name = document.find("signature_name")
    if name is MISSING:
        return ""
    if not isinstance(name, str):
        raise InvalidArgument(
            f"JSON Value: {text_of(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def arrays(body: Body, definition: SignatureDef) -> dict[str, Array]:
    """The inputs of a signature, from either form.

    Raises:
        InvalidArgument: missing or unknown names, rows of different shapes, values of another type.
        Unimplemented: an input of a data type that TensorFlow Serving does not read from JSON.
    """
    return number_arrays(body, definition) or exact_arrays(body, definition)


def exact_arrays(body: Body, definition: SignatureDef) -> dict[str, Array]:
    """As `arrays`, for any body; may take a second a megabyte."""
    document = body.document or document_of(body.data)
    specs = definition.inputs
    if not specs:
        name = "DEFAULT" if definition.name == DEFAULT_SIGNATURE else definition.name
        raise InvalidArgument(f"Failed to get input map for signature: {name}")
    instances, inputs = document.find("instances"), document.find("inputs")
    if instances is MISSING and inputs is MISSING:
        raise InvalidArgument("Missing 'inputs' or 'instances' key")
    problem = ""
    if instances is not MISSING and inputs is not MISSING:
        problem = "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
    elif inputs is not MISSING:
        return from_columns(inputs, specs)
    elif not isinstance(instances, list):
        problem = "Expecting 'instances' to be an list/array"
    elif not instances:
        problem = "No values in 'instances' array"
    if problem:
        raise InvalidArgument(f"JSON Value: {text_of(document)} {problem}")
    return from_rows(instances, specs)


# === The short cut for numbers ===


def _only_numbers(data: bytes, document: dict[str, Any]) -> bool:
    """Whether orjson's reading leaves nothing out: no member that comes twice, no text, truth value or null.

    Told by counting: the names that are known must account for all quotation marks in the text, and for all letters
    that the words `true`, `false` and `null` have. No number has any.
    """
    names = list(document)
    if "signature_name" in document:
        names.append(document["signature_name"])
    values = document.get("instances", document.get("inputs"))
    rows = values if isinstance(values, list) and values and isinstance(values[0], dict) else [values]
    for row in rows:
        if isinstance(row, dict):
            names += row
    if not all(isinstance(name, str) for name in names):
        return False
    end = data.rfind(b'"') + 1  # of the names; mostly there is much after it
    if _count(data, b'"', end) != 2 * len(names) or data.find(b"\\", 0, end) >= 0:
        return False
    text = "".join(names)
    return all(
        data.find(letter, end) < 0 and _count(data, letter, end) == text.count(letter.decode())
        for letter in (b"u", b"s")
    )


def _count(data: bytes, letter: bytes, end: int) -> int:
    """As `data.count(letter, 0, end)`, but at memory's pace where there is much of it."""
    if end < 4096:
        return data.count(letter, 0, end)
    return int(np.count_nonzero(np.frombuffer(data, np.uint8, end) == letter[0]))


def number_arrays(body: Body, definition: SignatureDef) -> dict[str, Array] | None:
    """As `arrays`, in a millisecond a megabyte, if the inputs are numbers as they should be; None leaves all else, and
    what is to be said of it, to the exact way."""
    document = body.numbers
    if document is None:
        return None
    specs = definition.inputs
    if len(document.keys() & {"instances", "inputs"}) != 1 or not specs:
        return None
    rows = "instances" in document
    values = document["instances" if rows else "inputs"]
    if rows and not (isinstance(values, list | Grid) and values):
        return None
    unused = len(document) > 1 + ("signature_name" in document) or (
        isinstance(values, dict) and len(values) > len(specs)
    )
    if unused and _has_large_exponent(body.data):
        return None
    if isinstance(values, Grid) or not isinstance(values[0] if rows else values, dict):
        columns = dict.fromkeys(specs, values) if len(specs) == 1 else {}
    elif rows:
        right = all(isinstance(row, dict) and row.keys() == specs.keys() for row in values)
        columns = {name: [row[name] for row in values] for name in specs} if right else {}
    else:
        columns = {name: values[name] for name in specs if name in values}
    found = {name: _number_array(values, specs[name], body.data) for name, values in columns.items()}
    complete = {name: array for name, array in found.items() if array is not None}
    return complete if len(complete) == len(specs) else None


def _number_array(values: Any, spec: TensorSpec, data: bytes) -> Array | None:
    kind = spec.dtype.name
    try:
        if kind in LIMITS:
            array = to_array(values, data)
            least, most = LIMITS[kind]
            right = array.dtype.kind in "iu" and array.size and least <= array.min() and array.max() <= most
        elif kind in ("float", "double"):
            array = to_array(values, data, np.float64)
            right = _read_alike(array, data, single=kind == "float")
        else:
            return None
    except (ValueError, TypeError):  # lists of different lengths or depths, an object
        return None
    return cast(array, spec.dtype) if right else None


def _read_alike(array: Array, data: bytes, *, single: bool) -> bool:
    """Whether the exact reader would find the same numbers in the text.

    It rounds at most eight last bits away from the nearest double. That is lost in a single, but for what lies that
    close to the middle between two of them; for doubles, the text must be so short that there is no rounding but one.
    """
    size = np.abs(array)
    least, most = (1.2e-38, 9.2e18) if single else (1e-7, 1e22)
    if size.max(initial=0) > most:
        return False
    if size.min(initial=most) < least:
        zeros = array.size - np.count_nonzero(array)
        if np.count_nonzero(size < least) > zeros or _has_large_exponent(data):
            return False  # the exact reader refuses the likes of 0e400
    if not single:
        return not has_long(data)
    to_middle = np.ascontiguousarray(array).view(np.int64) - ((1 << 28) - 8)
    to_middle &= (1 << 29) - 1
    return bool(to_middle.min(initial=17) > 16)


def _has_large_exponent(data: bytes) -> bool:
    names = data.rfind(b'"') + 1  # where they end; mostly there is much after it
    end = names if data.find(b"e", names) < 0 and data.find(b"E", names) < 0 else len(data)
    return any(each.search(data, 0, end) for each in _LARGE_EXPONENTS)
