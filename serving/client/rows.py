"""Converts the rows of a table to the inputs of a signature for rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...preparation.description import CategoryColumn
from ..errors import InvalidArgument
from ..wire import dtypes, tensor
from ..wire.signature import SignatureDef, TensorSpec
from .transports import Array, Arrays


def columns_of(value: Any) -> Mapping[str, Any] | None:
    """Returns the columns of a dict of columns, a list of dicts (one for each row) or a pandas DataFrame.

    Returns None for other values. A column that a row lacks has the value None in this row.
    """
    if isinstance(value, Mapping):
        return value
    if isinstance(value, Sequence) and value and all(isinstance(row, Mapping) for row in value):
        names = dict.fromkeys(name for row in value for name in row)
        return {name: [row.get(name) for row in value] for name in names}
    if hasattr(value, "columns") and hasattr(value, "iloc"):  # without an import of pandas
        return {str(name).strip(): value.iloc[:, place].tolist() for place, name in enumerate(value.columns)}
    return None


def rows_of(columns: Mapping[str, Any], definition: SignatureDef) -> Arrays:
    """Returns an array (batch,) for each input of the signature. Other columns are left out.

    Raises InvalidArgument if a column is missing, or if a value is missing or of the wrong type.
    """
    missing = [name for name in definition.inputs if name not in columns]
    if missing:
        raise InvalidArgument(
            f"Expected the columns {', '.join(definition.inputs)}. Missing: {', '.join(missing)}. "
            f"Received: {', '.join(map(str, columns))}"
        )
    return {name: _column(name, columns[name], spec) for name, spec in definition.inputs.items()}


def _column(name: str, values: Any, spec: TensorSpec) -> Array:
    rows = np.atleast_1d(np.asarray(values, object))
    if rows.ndim != 1:
        raise InvalidArgument(f"Expected one value for each row in the column {name}. Received: shape {rows.shape}")
    is_text = spec.dtype is dtypes.STRING
    texts = [_text(value) for value in rows.tolist()]
    may_lack = isinstance(spec.noted, CategoryColumn) and spec.noted.missing is not None
    if not may_lack and None in texts:
        raise InvalidArgument(f"Missing value in the column {name}, row {texts.index(None) + 1}.")
    if is_text:
        return tensor.string_array([(text or "").encode() for text in texts])
    try:
        return np.array([float(text or "nan") for text in texts], spec.dtype.numpy)
    except ValueError:
        wrong = next(text for text in texts if not _is_number(text))
        raise InvalidArgument(f"Expected numbers in the column {name}. Received: {wrong!r:.80}") from None


def _text(value: Any) -> str | None:
    """Returns a value as training reads it: without blanks, and whole numbers without a decimal point.

    Returns None for a missing value.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value.strip() or None
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return repr(float(value)) if isinstance(value, float | np.floating) else str(value)


def _is_number(text: str | None) -> bool:
    try:
        float(text or "")
    except ValueError:
        return False
    return True
