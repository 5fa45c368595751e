"""The commands of `gallery`, in the order of `gallery --help`."""

from __future__ import annotations

import importlib
import keyword

from .command import Command
from .requests import OF_FILES, OF_TEXTS, REQUESTS

GROUPS = {
    "Models and datasets": ("list", "show", "datasets"),
    "Train, export and import": ("train", "tune", "evaluate", "export", "import", "doctor"),
    "Serve": ("serve",),
    "Send pictures, arrays or tables to a running server": tuple(OF_FILES),
    "Send texts, words or series to a running server": tuple(OF_TEXTS),
    "More": ("demo", "results", "completion"),
}
COMMANDS = tuple(name for names in GROUPS.values() for name in names)


def load(name: str) -> Command:
    """Returns the command with this name.

    The command `classify` is in `requests.py`, `train` is in `train.py`, and `import` is in `import_.py`.
    """
    if name in REQUESTS:
        return REQUESTS[name]
    module = importlib.import_module(f".{name}{'_' * keyword.iskeyword(name)}", __package__)
    command: Command = module.COMMAND
    return command
