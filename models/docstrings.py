"""The sections of a Google-style docstring, which `describe` and the command line show."""

import inspect
import re

HEADING = re.compile(r"^(Args|Formula|Source|Call arguments|Returns|Raises):[ \t]*$", re.MULTILINE)
ARGUMENT = re.compile(r"^(\w+):\s+", re.MULTILINE)


def sections(doc: str) -> dict[str, str]:
    """Each section's text by its heading; what comes before the first heading is under `""`."""
    intro, *rest = HEADING.split(inspect.cleandoc(doc))
    bodies = (inspect.cleandoc(body) for body in rest[1::2])
    return {"": intro.strip(), **dict(zip(rest[::2], bodies, strict=True))}


def arguments(doc: str) -> dict[str, str]:
    """The `Args` section: each argument's help, in one line."""
    _, *rest = ARGUMENT.split(sections(doc).get("Args", ""))
    return {name: " ".join(text.split()) for name, text in zip(rest[::2], rest[1::2], strict=True)}
