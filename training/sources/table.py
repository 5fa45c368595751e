"""`Table`, a table of the user's own with its columns as numbers or texts, and the place of each row for messages."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...models.errors import closest
from ..errors import BadData

if TYPE_CHECKING:
    import pandas as pd

NO_NUMBER = {"", "na", "n/a", "nan", "null", "none", "?", "-"}  # texts for a missing value in a column of numbers
DATE = re.compile(r"(\d{4}-\d{1,2}(-\d{1,2})?|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}/\d{1,2}(/\d{1,2})?)([ T]\d{1,2}:.*)?")


@dataclass(frozen=True)
class Table:
    """A table with named columns.

    Attributes:
        frame: the columns. The index is 0, 1, 2, …
        name: name of the file, or "the DataFrame", for messages.
        place: returns the place of a row for messages, such as "line 17".
    """

    frame: pd.DataFrame
    name: str
    place: Callable[[int], str] = lambda row: f"row {row + 1}"

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.frame.columns)

    def check_column(self, name: str, option: str) -> None:
        """Raises BadData if there is no column `name`, which the user named with `option`."""
        if name not in self.columns:
            similar = closest(name, self.columns)
            suggestion = f" Did you mean {' or '.join(map(shown, similar))}?" if similar else ""
            raise BadData(
                f"{self.name} has no column {name} ({option}).{suggestion} Its columns are: {listed(self.columns)}."
            )

    def kind(self, name: str) -> str:
        """Returns what a column contains: `number`, `text`, `date` or `other`, such as lists."""
        from pandas.api import types

        column = self.frame[name]
        if types.is_bool_dtype(column):
            return "text"
        if types.is_datetime64_any_dtype(column) or isinstance(column.dtype, types.pandas_dtype("period[D]").__class__):
            return "date"
        if types.is_numeric_dtype(column):
            return "other" if types.is_complex_dtype(column) else "number"
        values = column.dropna()
        if any(isinstance(value, list | dict | set | np.ndarray) for value in values):
            return "other"
        if not all(isinstance(value, str | int | float | np.number | np.bool_) for value in values.unique()):
            return "date" if all(hasattr(value, "isoformat") for value in values) else "other"
        texts = values.astype(str).str.strip()
        if not len(texts) or _numeric(texts):
            return "number"
        return "date" if texts.map(lambda text: bool(DATE.fullmatch(text))).all() else "text"

    def numbers(self, name: str, remedy: str | None = None) -> NDArray[np.float64]:
        """Returns a column of numbers, float64 `(rows,)`.

        Args:
            name: the column.
            remedy: the end of the message about a missing value. By default, it says that the column can be left out.

        Raises:
            BadData: a value is missing, is not a number, is infinite, or is too large for float32.
        """
        import pandas as pd

        column = self.frame[name]
        if column.dtype.kind not in "iufb" and not pd.api.types.is_numeric_dtype(column):
            texts = column.astype(object).map(lambda value: value.strip() if isinstance(value, str) else value)
            numbers = numeric(texts)
            for row in np.flatnonzero((numbers.isna() & texts.notna()).to_numpy()):
                if str(texts.iloc[row]).lower() not in NO_NUMBER:
                    raise BadData(
                        f"The column {name} of {self.name} has the text {shown(texts.iloc[row])} "
                        f"in {self.place(int(row))}, but numbers elsewhere."
                    )
            column = numbers
        values = np.asarray(column.to_numpy(np.float64, na_value=np.nan), np.float64)
        remedy = remedy or f"Fill in a number, or leave out the column (--ignore {name})."
        self._check_missing(np.isnan(values), name, remedy)
        with np.errstate(over="ignore"):
            large = np.flatnonzero(~np.isfinite(values.astype(np.float32)))
        if len(large):
            raise BadData(
                f"The column {name} of {self.name} has the value {values[large[0]]:g} in "
                f"{self.place(int(large[0]))}. The models need finite numbers below 3.4e38."
            )
        return values

    def texts(self, name: str, missing: str | None = None, remedy: str = "") -> NDArray[Any]:
        """Returns a column as texts without blanks around them, `(rows,)`. Whole numbers have no decimal point.

        Args:
            name: the column.
            missing: the text that stands for a missing value. By default, a missing value is refused.
            remedy: the end of the message about a missing value.

        Raises:
            BadData: a value is missing, or is not a text or a number.
        """
        if self.kind(name) == "other":
            raise BadData(f"The column {name} of {self.name} has neither numbers nor texts.")
        values = [text_of(value) for value in self.frame[name].astype(object)]
        texts = np.array([missing if value is None else value for value in values], object)
        if missing is None:
            self._check_missing(np.array([value is None for value in values], np.bool_), name, remedy)
        return texts

    def _check_missing(self, is_missing: NDArray[np.bool_], name: str, remedy: str) -> None:
        rows = np.flatnonzero(is_missing)
        if len(rows):
            more = f" (and in {len(rows) - 1} more rows)" if len(rows) > 1 else ""
            where = f"the column {name} of {self.name}, {self.place(int(rows[0]))}{more}"
            raise BadData(f"Missing value in {where}. {remedy}".rstrip())


def text_of(value: Any) -> str | None:
    """Returns a value of a table as a text, or None if it is missing."""
    if isinstance(value, str):
        return value.strip() or None
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if value != value:  # NaN is not equal to itself
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def sorted_names(texts: Sequence[str] | NDArray[Any]) -> tuple[str, ...]:
    """Returns the distinct texts: in the order of their values if all are numbers, else in alphabetical order."""
    names = set(texts)
    try:
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    except ValueError:
        return tuple(sorted(names))


def listed(names: Sequence[str], most: int = 20) -> str:
    """Returns the first names as a list for a message."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shown(name) for name in names[:most]) + more


def shown(value: Any) -> str:
    """Returns a value from a file for a message: at most 40 characters."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def numeric(values: pd.Series) -> pd.Series:
    """Returns a column as numbers: NaN for a text that is no number, and infinity for an integer above 1.8e308."""
    import pandas as pd

    try:
        return pd.to_numeric(values, errors="coerce")
    except OverflowError:
        return pd.to_numeric(values.map(_without_large), errors="coerce")


def _without_large(value: Any) -> Any:
    try:
        number = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):
        return value
    return number if math.isinf(number) else value


def _numeric(texts: pd.Series) -> bool:
    """Returns whether all texts are numbers or words for a missing number, and at least one is a number."""
    missing = numeric(texts).isna()
    return not missing.all() and bool(texts[missing].str.lower().isin(NO_NUMBER).all())
