"""Names of picture files for columns, classes and other names of the user's own."""

import re
from collections.abc import Sequence

MOST_CHARACTERS = 40


def file_names(names: Sequence[str]) -> list[str]:
    """Returns a different file name without suffix for each name: letters, digits, `_` and `-`.

    A name that is safe stays as it is. If two names would have the same file, the later name gets a number.
    """
    found: list[str] = []
    taken = {"learning_curve"}
    for name in names:
        safe = stem = re.sub(r"[^\w-]+", "_", name)[:MOST_CHARACTERS].strip("_") or "column"
        number = 2
        while safe.lower() in taken:
            safe, number = f"{stem}_{number}", number + 1
        taken.add(safe.lower())
        found.append(safe)
    return found
