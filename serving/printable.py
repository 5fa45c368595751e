"""Makes text from requests, files and answers safe to print in a log or on a terminal."""

from __future__ import annotations


def printable(text: object) -> str:
    r"""Returns the text with its control and format characters escaped, such as `\n`, `\x1b` and `\u202e`.

    Otherwise a line break could start a forged line, and an escape sequence could control the terminal.
    """
    text = str(text)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
