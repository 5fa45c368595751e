"""Checks the links of the Markdown files: in the repository they lead to existing files, on the site to pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.docs_links import FENCE, LINK, page_of, rewrite

ROOT = Path(__file__).parents[2]
FILES = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "saved_models/README.md"]
FILES += [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/**/*.md"))]
FILES += [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("models/*/README.md"))]


def anchors(file: Path) -> set[str]:
    """Returns the anchors of a Markdown file's headings, as code hosts generate them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", file.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", FILES)
def test_links_go_to_files_that_exist(name: str) -> None:
    file = ROOT / name
    for _, label, target in LINK.findall(FENCE.sub("", file.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (file.parent / path).resolve() if path else file
        assert there.exists(), f"[{label}]({target})"
        assert not anchor or anchor in anchors(there), f"[{label}]({target})"


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("README.md", "index.md"),
        ("docs/serve.md", "serve.md"),
        ("docs/pictures/moved.png", "pictures/moved.png"),
        ("models/recurrent/README.md", "models/recurrent/index.md"),
        ("training/datasets", "datasets.md"),
        ("docs/results.json", None),
        ("models/grid.py", None),
    ],
)
def test_page_of_a_file(path: str, page: str | None) -> None:
    assert page_of(path) == page


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("[a](docs/serve.md#x)", "[a](serve.md#x)"),
        ("![a](docs/denoised.png)", "![a](denoised.png)"),
        ("[`a`](models/grid.py) b", "`a` b"),
        ("[a](https://example.com/b)", "[a](https://example.com/b)"),
        ("[a](#b)", "[a](#b)"),
        ("```text\n[a](docs/serve.md)\n```\n", "```text\n[a](docs/serve.md)\n```\n"),
    ],
)
def test_rewrite(text: str, rewritten: str) -> None:
    assert rewrite(text, "README.md", "index.md") == rewritten


def test_rewrite_between_folders() -> None:
    text = "[a](../../docs/results.md) [b](#gru)"
    moved = {"models/recurrent/README.md#gru": "models/recurrent/gru.md"}.get
    page = "models/recurrent/index.md"
    assert rewrite(text, "models/recurrent/README.md", page, moved) == "[a](../../results.md) [b](gru.md)"


def test_the_paths_of_the_architecture_exist() -> None:
    rows = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## Where things go")[2]
    rows = rows.partition("\n## ")[0]
    checked = 0
    for row in rows.splitlines():
        folders = [ROOT]  # a path may also be relative to a folder that is earlier in the row
        for path in re.findall(r"`((?!/)[\w/.<>]*/[\w/.<>]*|\w+\.\w+)`", row):
            there = [folder / path.partition("<")[0] for folder in folders]
            found = [place for place in there if place.exists()]
            assert found, f"{path} in {row}"
            folders.append(found[0] if found[0].is_dir() else found[0].parent)
            checked += 1
    assert checked > 40
