"""Converts REST predict requests in the row form (`instances`) or the columnar form (`inputs`) to arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import InvalidArgument
from ..signature import DEFAULT_SIGNATURE, SignatureDef
from .document import MISSING, Object
from .grid import Grid
from .grid import loads as read_grid
from .lists import from_list
from .reader import loads
from .steps import discard
from .tensors import from_columns, from_rows
from .writer import text_of

Array = np.ndarray[Any, Any]


@dataclass(slots=True)
class Body:
    """The body of a predict request.

    Attributes:
        data: the bytes of the body.
        document: the JSON object in the body, with an empty list in place of the grid.
        grid: the nested lists of numbers from `grid.loads`, or None.
        signature: the name of the requested signature. "" if the body has none.
    """

    data: bytes
    document: Object
    grid: Grid | None = None
    signature: str = ""

    @property
    def rows(self) -> bool:
        """Returns whether the request has the row form. The answer must have the same form."""
        return self.document.find("instances") is not MISSING

    def discard(self) -> None:
        """Frees the values of a long body. The body is empty afterwards."""
        discard(self.document)
        if self.grid is not None:
            discard(self.grid.numbers)

    def whole(self) -> Object:
        """Replaces the grid by lists, and returns the document."""
        if self.grid is not None:
            grid, self.grid = self.grid, None
            discard(grid.numbers)
            self.document = as_object(loads(self.data))
        return self.document


def parse(data: bytes) -> Body:
    """Reads the body of a predict request.

    Raises:
        InvalidArgument: the body is not JSON, or not a JSON object.
    """
    document, grid = read_grid(data)
    body = Body(data, as_object(document), grid)
    try:
        body.signature = signature_of(document)
    except InvalidArgument:  # the error message must show the document with the grid
        body.signature = signature_of(body.whole())
    return body


def as_object(document: Any) -> Object:
    """Returns the document if it is a JSON object. Otherwise raises InvalidArgument."""
    if not isinstance(document, Object):
        raise InvalidArgument(f"JSON Value: {text_of(document)} Is not object")
    return document


def signature_of(document: Object) -> str:
    """Returns the name of the requested signature, or "". Raises InvalidArgument if the name is not a string."""
    name = document.find("signature_name")
    if name is MISSING:
        return ""
    if not isinstance(name, str):
        raise InvalidArgument(
            f"JSON Value: {text_of(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def arrays(body: Body, definition: SignatureDef) -> dict[str, Array]:
    """Converts the body of a request to the inputs of a signature.

    Raises:
        InvalidArgument: missing inputs, rows with unknown inputs or different shapes, or values of the wrong type.
        Unimplemented: `inputs` has a data type that TensorFlow Serving does not read from JSON.
    """
    specs = definition.inputs
    if not specs:
        name = "DEFAULT" if definition.name == DEFAULT_SIGNATURE else definition.name
        raise InvalidArgument(f"Failed to get input map for signature: {name}")
    instances, inputs = body.document.find("instances"), body.document.find("inputs")
    if instances is MISSING and inputs is MISSING:
        raise InvalidArgument("Missing 'inputs' or 'instances' key")
    if body.grid is not None and MISSING in (instances, inputs) and len(specs) == 1:
        [(only, spec)] = specs.items()
        column = inputs.find(only) if isinstance(inputs, Object) else []
        array = from_list(body.grid.numbers, body.grid.shape, spec.dtype)
        if column == [] and array is not None:
            return {only: array}
    document = body.whole()
    instances, inputs = document.find("instances"), document.find("inputs")
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
