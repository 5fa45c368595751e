"""Shortens the error messages of libraries to one sentence.

Keras and TensorFlow write terminal codes, stack traces, whole configurations and encoded code into their messages.
"""

from __future__ import annotations

import re

MAX_LENGTH = 200  # characters of a sentence
_MAX_DUMP = 60  # characters of a bracketed value that is kept
_MAX_PART = 10_000  # characters of the beginning and of the end of a message that are read
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SHAPES = re.compile(r"variable\.shape=(\([\d, ]*\)),? Received: value\.shape=(\([\d, ]*\))")
# Text before the cause. Messages can contain each other, so the last match counts.
_BEFORE = (
    re.compile(r".*Exception encountered: ", re.DOTALL),
    re.compile(r".*Exception encountered when calling [^\n]*\n", re.DOTALL),
    re.compile(r".*Example error message for object [^\n]*:\n", re.DOTALL),
    re.compile(r".*Detected at node.*?\n(?=\S)", re.DOTALL),
    re.compile(r"in user code:.*\n\s*\w*(?:Error|Exception|Warning): ", re.DOTALL),
    re.compile(r"^\{\{[^{}]*\}\}\s*"),
    re.compile(r"(?:\w+Error: )?Graph execution error:\s*"),
    re.compile(r"^\[ONNXRuntimeError\] ?: ?\d+ ?: ?[A-Z_]+ ?: ?"),
    re.compile(r"^\S+\.(?:cc|cpp|h):\d+: ?(?:\w+: )?(?:Assertion `[^`]*` failed: )?"),
)
# Text after the cause.
_AFTER = re.compile(
    r"(?:\s+for '\{\{node |\n?(?:Arguments|Call arguments) received by |\n?Full object config|\n?Stack trace for op"
    r"|\n?Original stack trace|\n?==> Context|\s*\[\[\{\{node |\s*\[Op:|\n\s*\[\[).*",
    re.DOTALL,
)
_OBJECT = re.compile(r"<(?:[\w.]*\.)?(\w+)(?: object)?(?: name=[\w/.-]+)?(?:,[^<>]*)? ?(?:at 0x[0-9a-f]+)?>")
_TENSOR = re.compile(r"<?(?:Keras|tf\.|Symbolic)?Tensor[ (][^<>]*?(shape=\([^)]*\))[^<>]*?[>)]")
_BRACKETS = re.compile(r"\{[^{}]*\}?|\[[^\[\]]*\]?|\([^()]*\)?")
_LONG_NOTE = re.compile(r"\s*\([^()]{60,}\)")
_LONG_WORD = re.compile(r"\S{80,}|[A-Za-z0-9+/=\\]{40,}")
_SENTENCE = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s+(?=[A-Z`'\"])")


def cause(error: BaseException | str) -> str:
    """Returns the cause of a library's error: one sentence without its period, of at most `MAX_LENGTH` characters.

    Returns the name of the error's class if the message has no such sentence, and "unknown error" for a text.

    Args:
        error: the error, or the text of its message.
    """
    kind = "unknown error" if isinstance(error, str) else type(error).__name__
    text = _CODES.sub("", str(error))
    if shapes := _SHAPES.search(text):
        return f"a weight has shape {shapes[1]} in the model and {shapes[2]} in the file"
    if len(text) > 2 * _MAX_PART:
        text = f"{text[:_MAX_PART]} {text[-_MAX_PART:]}"
    for pattern in _BEFORE:
        rest = pattern.sub("", text, count=1)
        text = rest if rest.strip() else text
    text = _AFTER.sub("", text)
    text = _TENSOR.sub(r"a tensor of \1", text)
    text = _OBJECT.sub(r"\1", text)
    text = _sentence(_until_dump(_LONG_NOTE.sub("", _plain(text))))
    return text or kind


def named_cause(error: BaseException) -> str:
    """Returns the class of an error, and its cause: "ValueError: expected 2 variables"."""
    text, kind = cause(error), type(error).__name__
    return text if text == kind else f"{kind}: {text}"


def _plain(text: str) -> str:
    return "".join(each for each in " ".join(text.split()) if each.isprintable())


def _until_dump(text: str) -> str:
    """Returns the text before the first long value. Returns the sentences before it if the value ends a clause."""
    starts = [match.start() for match in _LONG_WORD.finditer(text)]
    starts += [match.start() for match in _BRACKETS.finditer(text) if len(match[0]) > _MAX_DUMP or _is_open(match[0])]
    if not starts:
        return text
    before = text[: min(starts)].rstrip(" {[(<'\"")
    if before.endswith((":", "=", ";")):  # the clause before the value is whole
        clause = re.sub(r"[\s,;(]*[\w.]*[:=;]$", "", before) if before.endswith("=") else before[:-1]
        return re.sub(r",? (?:with|but got|got|received|Received|expected|Expected)$", "", clause)
    *whole, _ = _SENTENCE.split(before) if before else [""]
    return whole[0] if whole else ""


def _is_open(group: str) -> bool:
    """Whether a bracket is not closed, because it contains other brackets or the message was cut."""
    return group[-1] not in "}])"


def _sentence(text: str) -> str:
    first = _SENTENCE.split(text)[0].strip().rstrip(".:;, ")
    return first if len(first) <= MAX_LENGTH else ""
