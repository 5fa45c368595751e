"""Splits Google-style docstrings into their sections, for `describe` and the command line."""

import inspect
import re

HEADING = re.compile(r"^(Args|Formula|Source|Call arguments|Returns|Raises):[ \t]*$", re.MULTILINE)
ARGUMENT = re.compile(r"^(\w+):\s+", re.MULTILINE)


def sections(doc: str) -> dict[str, str]:
    """Returns the text of each section, keyed by heading. The text before the first heading has the key `""`."""
    intro, *rest = HEADING.split(inspect.cleandoc(doc))
    bodies = (inspect.cleandoc(body) for body in rest[1::2])
    return {"": intro.strip(), **dict(zip(rest[::2], bodies, strict=True))}


def arguments(doc: str) -> dict[str, str]:
    """Returns the description of each argument in the `Args` section as a single line, keyed by argument name."""
    _, *rest = ARGUMENT.split(sections(doc).get("Args", ""))
    return {name: " ".join(text.split()) for name, text in zip(rest[::2], rest[1::2], strict=True)}
