"""Rewrites the links of the repository's Markdown files for the documentation site.

In the repository, links lead to files. On the site, they must lead to pages, and only some of the files have a page.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

FENCE = re.compile(r"^(?:```|~~~).*?^(?:```|~~~)[ ]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
FOLDERS = {"docs/reference": "reference/index.md", "models": "models/index.md", "training/datasets": "datasets.md"}
FAMILY = re.compile(r"models/(\w+)/README\.md")


def page_of(path: str) -> str | None:
    """Returns the page of the site for a file of the repository. Returns None if the file has no page.

    Args:
        path: relative to the repository's root, such as `docs/serve.md`.
    """
    if page := (PAGES | FOLDERS).get(path):
        return page
    if family := FAMILY.fullmatch(path):
        return f"models/{family[1]}/index.md"
    return path.removeprefix("docs/") if path.startswith("docs/") and not path.endswith(".json") else None


def rewrite(text: str, source: str, page: str, anchor: Callable[[str], str | None] = lambda name: None) -> str:
    """Rewrites the links of a Markdown text for the site. A link to a file without a page becomes plain text.

    Args:
        text: the Markdown.
        source: the file it comes from, relative to the repository's root.
        page: the page it goes to, relative to the site's root.
        anchor: returns the page for an anchor of a file, given as `file#anchor`; None keeps the anchor.
    """

    def link(found: re.Match[str]) -> str:
        bang, label, target = found.groups()
        if re.match(r"[a-z]+:", target):
            return found[0]
        path, _, name = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path)) if path else source
        if name and (moved := anchor(f"{path}#{name}")):
            return f"{bang}[{label}]({_relative(moved, page)})"
        there = page_of(path)
        if there is None:
            return label
        if there == page:
            return f"{bang}[{label}](#{name})"
        return f"{bang}[{label}]({_relative(there, page)}{'#' if name else ''}{name})"

    parts, end = [], 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(link, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, LINK.sub(link, text[end:])])


def _relative(path: str, page: str) -> str:
    return posixpath.relpath(path, posixpath.dirname(page) or ".")
