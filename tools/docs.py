"""Makes the pages of the documentation site that are not in `docs/`: a hook of MkDocs, listed in mkdocs.yml.

    make docs        (or: python -m mkdocs build --strict)

This module makes a page for each model and each family, the list of datasets, and the pages of README, CHANGELOG and
CONTRIBUTING. In the pages of `docs/`, it only rewrites links. It does not import Keras or TensorFlow.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TABLES_OF_MODELS = ("results.md", "import.md")
PACKAGES = ("cli", "models", "preparation", "serving", "training")
sys.path.insert(0, str(ROOT))  # for `tools`

from tools.docs_links import PAGES, rewrite  # noqa: E402


def on_startup(**_: Any) -> None:
    """Copies the packages to the folder from which the Python reference reads them."""
    _collect_packages(ROOT / "build" / "reference" / "keras_gallery")


def on_config(config: Any) -> Any:
    """Adds the pages of the models to the navigation."""
    from tools.docs_models import FAMILIES, names

    families = [
        {title: [f"models/{family}/index.md", *({name: f"models/{family}/{name}.md"} for name in names(family))]}
        for family, title in FAMILIES.items()
    ]
    for part in config["nav"]:
        if "Models" in part:
            part["Models"] = ["models/index.md", *families]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages that this module makes."""
    from mkdocs.structure.files import File

    for path, text in _made_pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Rewrites the links of the pages in `docs/`, and links the names of models in the tables of results."""
    from tools.docs_models import link_models

    if page.file.src_uri == "index.md":
        page.meta["hide"] = ["navigation"]
    if page.file.generated_by:
        return markdown
    markdown = rewrite(markdown, f"docs/{page.file.src_uri}", page.file.src_uri)
    return link_models(markdown) if page.file.src_uri in TABLES_OF_MODELS else markdown


def _made_pages() -> dict[str, str]:
    from tools.docs_models import FAMILIES, family_page, model_page, models_page, names

    results = json.loads((ROOT / "docs" / "results.json").read_text(encoding="utf-8"))
    made = {page: rewrite((ROOT / source).read_text(encoding="utf-8"), source, page) for source, page in PAGES.items()}
    made |= {"models/index.md": models_page(), "datasets.md": _datasets_page()}
    for family in FAMILIES:
        made[f"models/{family}/index.md"] = family_page(family)
        made |= {f"models/{family}/{name}.md": model_page(name, results) for name in names(family)}
    return made


def _datasets_page() -> str:
    lines = ["# Datasets\n", "Each recipe names its dataset. `gallery train --dataset NAME` chooses another dataset.\n"]
    for file in sorted((ROOT / "training" / "datasets").glob("[a-z]*.py")):
        doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        first, _, rest = doc.partition("\n")
        items = re.sub(r"^(?=[A-Z][\w ]{1,20}: )", "\n- ", rest.strip(), flags=re.MULTILINE)
        items = re.sub(r"\n {4,}", " ", items)
        lines.append(f"## {file.stem}\n\n{first}\n{items}\n")
    return "\n".join(lines)


def _collect_packages(place: Path) -> None:
    """Copies the packages into one folder, because in the repository they are separate folders at its root."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(ROOT / "keras_gallery", place, ignore=shutil.ignore_patterns("__pycache__"))
    for name in PACKAGES:
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
