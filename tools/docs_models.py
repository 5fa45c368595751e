"""Makes the site's pages of the models from docstrings, recipes, results and pictures, without importing Keras."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_gallery.models import Hyperparameter, describe, hyperparameters
from keras_gallery.models.docstrings import sections
from keras_gallery.training.pictures.captions import CAPTIONS
from keras_gallery.training.recipe import Recipe, Target, load_recipes
from keras_gallery.training.results.page import figure
from keras_gallery.training.results.tables import TABLES

from keras_gallery import pretrained
from tools.docs_links import rewrite

ROOT = Path(__file__).parents[1]
FAMILIES = {
    "autoencoders": "Autoencoders",
    "feed_forward": "Feed-forward networks",
    "convolutional": "Convolutional networks",
    "recurrent": "Recurrent networks",
    "embeddings": "Embeddings",
}
Rows = Sequence[Sequence[str]]


def family_page(family: str) -> str:
    """The overview of a family: the introduction of its README."""
    intro, _ = _readme(family)
    return _linked(intro, family, f"models/{family}/index.md")


def model_page(name: str, results: Mapping[str, Any]) -> str:
    """The page of a model.

    Args:
        name: the model.
        results: the content of `docs/results.json`.
    """
    info, recipes = describe(name), load_recipes(name)
    own, first = results.get(name, {}), next(iter(recipes))
    prose = _linked(_readme(info.family)[1][name], info.family, f"models/{info.family}/{name}.md")
    parts = sections(info.doc)
    return "\n".join(
        [
            f"# {name}\n\n{info.summary}\n",
            f"```text\ngallery show {name}\ngallery train {name}\ngallery export {name}\ngallery serve {name}\n```\n",
            f"{_trained(name)}`gallery serve` has [a page](../../serve.md#the-page) on which you can try the model.\n",
            f"{_captioned(prose)}\n",
            f"## Formula\n\n```text\n{info.formula}\n```\n",
            f"Source: {_line(info.source)}\n",
            f"## Input and output\n\n{_line(parts.get('Returns', ''))}\n",
            "## Hyperparameters\n",
            f"On the command line: `gallery train {name} --model.NAME VALUE`.\n",
            _table(("name", "default", "values", "meaning"), _hyperparameters(name, info.family)),
            "## Recipes\n",
            f"The first recipe is the default. `gallery train {name} --recipe NAME` chooses another.\n",
            _table(
                ("recipe", "dataset", "task", "epochs", "batch size", "optimizer", "hyperparameters"),
                [_recipe(recipe, each) for recipe, each in recipes.items()],
            ),
            *_targets(recipes, own),
            *_figures(own),
            *_pictures(name, first, prose),
        ]
    )


def _trained(name: str) -> str:
    if name not in pretrained.names():
        return ""
    return "A [trained model](../../train.md#trained-models) comes with the package, so you can serve it at once. "


def models_page() -> str:
    """The page that lists all models by family."""
    lines = [
        "# Models\n",
        "Each model is one short file with its formula. Each model has one or more recipes for its training.\n",
    ]
    for family, title in FAMILIES.items():
        lines.append(f"## [{title}]({family}/index.md)\n")
        lines.append(
            _table(("model", "what it is"), [(f"[`{n}`]({family}/{n}.md)", describe(n).summary) for n in names(family)])
        )
    return "\n".join(lines)


def link_models(markdown: str) -> str:
    """Links the models in the first columns of tables, for a page at the root of the site."""
    families = {name: family for family in FAMILIES for name in names(family)}

    def link(row: re.Match[str]) -> str:
        family = families.get(row[2])
        return f"| [{row[1]}](models/{family}/{row[2]}.md) |" if family else row[0]

    return re.sub(r"^\| ((\w+)(?:/\w+)?) \|", link, markdown, flags=re.MULTILINE)


def names(family: str) -> list[str]:
    """The models of a family, in the order of its README."""
    return list(_readme(family)[1])


def _readme(family: str) -> tuple[str, dict[str, str]]:
    text = (ROOT / "models" / family / "README.md").read_text(encoding="utf-8")
    intro, *rest = re.split(r"^## (\w+)\n", text, flags=re.MULTILINE)
    return intro, dict(zip(rest[::2], rest[1::2], strict=True))


def _linked(text: str, family: str, page: str) -> str:
    readme = f"models/{family}/README.md"

    def moved(anchor: str) -> str | None:
        file, _, name = anchor.partition("#")
        return f"models/{file.split('/')[1]}/{name}.md" if re.fullmatch(r"models/\w+/README\.md", file) else None

    return rewrite(text, readme, page, moved)


def _captioned(prose: str) -> str:
    """Puts each run of pictures into a grid, with their alternative texts as captions."""
    block = re.compile(r"(?:^!\[.*\]\(.*\)\n?)+", re.MULTILINE)
    return block.sub(lambda run: _grid(re.findall(r"!\[(.*)\]\((.*)\)", run[0])), prose)


def _grid(pictures: Sequence[tuple[str, str]]) -> str:
    figures = "".join(
        f'<figure markdown="span">\n![{text}]({path}){{ loading=lazy }}\n<figcaption>{text}</figcaption>\n</figure>\n'
        for text, path in pictures
    )
    return f'<div class="pictures" markdown>\n{figures}</div>\n'


def _hyperparameters(name: str, family: str) -> Rows:
    return [
        (f"`{each.name}`", f"`{each.format(each.default)}`", each.expects, _line(each.help))
        for each in hyperparameters_of(name, family)
    ]


def hyperparameters_of(name: str, family: str) -> tuple[Hyperparameter, ...]:
    """The hyperparameters of a builder, from its source: only its signature is evaluated."""
    folder = ROOT / "models" / family
    namespace: dict[str, Any] = {}
    exec("from typing import Annotated, Literal", namespace)
    namespace |= vars(hyperparameters)
    layers = (ROOT / "models" / "layers").glob("*.py")
    for file in (*sorted(layers), *sorted(folder.glob("_*.py")), folder / f"{name}.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and re.match(r"(Literal|Annotated)\[", ast.unparse(node.value)):
                exec(compile(ast.Module([node], []), str(file), "exec"), namespace)
            elif isinstance(node, ast.FunctionDef) and node.name == name:
                node.decorator_list, node.returns, node.body = [], None, node.body[:1]
                exec(compile(ast.Module([node], []), str(file), "exec"), namespace)
    return hyperparameters.hyperparameters_of(namespace[name])


def _recipe(name: str, recipe: Recipe) -> tuple[str, ...]:
    given = ", ".join(f"`{key}={value}`" for key, value in recipe.hyperparameters.items())
    batch = "all examples" if recipe.optimizer == "gradient_descent" else str(recipe.batch_size)
    optimizer = f"{recipe.optimizer}, {recipe.learning_rate:g}"
    return (
        f"`{name}`",
        f"[`{recipe.dataset}`](../../datasets.md#{recipe.dataset})",
        recipe.task,
        str(recipe.epochs),
        batch,
        optimizer,
        given,
    )


def _targets(recipes: Mapping[str, Recipe], own: Mapping[str, Any]) -> Iterator[str]:
    found: list[tuple[str, Target]] = [(name, each) for name in own for each in recipes[name].targets]
    if found:
        yield "## Published results\n"
        rows = [
            (f"`{name}`", each.figure, figure(own[name], each.figure, ".4f"), f"{each.value:g}", each.source)
            for name, each in found
        ]
        yield _table(("recipe", "metric", "measured", "published", "source"), rows)


def _figures(own: Mapping[str, Any]) -> Iterator[str]:
    """The tables of the results page that have results of this model."""
    yield "## Results\n"
    yield "All results are measured on test examples. The [results page](../../results.md) has all models.\n"
    for table in TABLES:
        first = [column.figure for column in table.columns[:3]]
        rows = {name: row for name, row in own.items() if all(figure(row, each, "") for each in first)}
        if rows:
            yield f"### {table.title}\n\n{table.text}\n"
            cells = [(f"`{n}`", *(figure(row, c.figure, c.form) for c in table.columns)) for n, row in rows.items()]
            yield _table(("recipe", *(column.heading for column in table.columns)), cells)
    yield "### Size and time\n\nThe time is the training time in seconds on two CPU cores.\n"
    cells = [
        (f"`{n}`", f"{row['parameters']:,}", figure(row, "seconds", ".0f"), f"`{row['command']}`")
        for n, row in own.items()
    ]
    yield _table(("recipe", "parameters", "seconds", "command"), cells)


def _pictures(name: str, recipe: str, prose: str) -> Iterator[str]:
    """The pictures of the first recipe that the text above does not show."""
    folder = ROOT / "docs" / "pictures" / name / recipe
    paths = [f"../../pictures/{name}/{recipe}/{path.name}" for path in sorted(folder.glob("*.png"))]
    rest = [
        (CAPTIONS.get(Path(path).stem, Path(path).stem.replace("_", " ")), path) for path in paths if path not in prose
    ]
    if rest:
        yield f"## More pictures\n\nThese pictures are of the recipe `{recipe}`.\n"
        yield _grid(rest)


def _line(text: str) -> str:
    return " ".join(text.split())


def _table(headings: Sequence[str], rows: Rows) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
