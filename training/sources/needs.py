"""Which data a model takes. This follows from the task of its recipe and from its hyperparameters."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from ...models.registry import describe
from ..errors import BadData
from ..recipe import Recipe
from .files import ARRAYS, LINES, TABLES, suffix_of
from .source import Source

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")

# What a model takes, by form: the words for messages, and the options that have an effect.
FORMS = {
    "table": (
        "a table (CSV, TSV, Parquet) with columns of numbers or categories: --data FILE --target COLUMN",
        ("target", "ignore", "missing", "group", "time"),
    ),
    "categories": (
        "a table (CSV, TSV, Parquet) with columns of categories and a column of numbers: --data FILE --target COLUMN",
        ("target", "ignore", "missing", "group", "time"),
    ),
    "series": (
        "a time series (CSV, TSV, Parquet, NPY): --data FILE --time COLUMN --value COLUMN --horizon STEPS",
        ("time", "value", "horizon", "history", "ignore"),
    ),
    "texts": (
        "texts and their classes (CSV, TSV, Parquet): --data FILE --text COLUMN --label COLUMN",
        ("text", "label", "group"),
    ),
    "tags": (
        "texts and a tag for each token (CSV, TSV, Parquet): --data FILE --text COLUMN --label COLUMN",
        ("text", "label", "group"),
    ),
    "pairs": (
        "texts and the texts to write (CSV, TSV, Parquet): --data FILE --text COLUMN --label COLUMN",
        ("text", "label", "group"),
    ),
    "lines": (
        "sentences: a text file with a sentence in each line (--data FILE), or a table with --text COLUMN",
        ("text",),
    ),
    "class_pictures": (
        "pictures of classes: a folder with a subfolder for each class (--data FOLDER), or arrays (NPZ)",
        ("group", "size", "channels", "fit", "strict"),
    ),
    "pictures": (
        "pictures: a folder of pictures (--data FOLDER), or an array (NPZ, NPY)",
        ("group", "size", "channels", "fit", "strict"),
    ),
    "sequences": ("arrays x (examples, time, features) and y (NPZ): --data FILE", ()),
    "masks": ("arrays x (images) and y (the class of each pixel) (NPZ): --data FILE", ()),
    "boxes": ("arrays x (images) and y (examples, objects, 5) (NPZ): --data FILE", ()),
    "captions": ("arrays x (images) and y (texts) (NPZ): --data FILE", ()),
}
SHARED = ("test", "test_share", "split")


def forms(model: str, recipe: Recipe) -> tuple[str, ...]:
    """Returns the forms of data that a model takes, keys of `FORMS`. The first is the usual form."""
    parameters = describe(model).parameters
    match recipe.task:
        case "classify" if "input_shape" in parameters:
            return ("table", "class_pictures")
        case "classify" if "image_shape" in parameters:
            return ("class_pictures",)
        case "classify":
            return ("sequences",)
        case "regress" if "input_shape" in parameters:
            return ("table",)
        case "regress":
            return ("series", "sequences")
    return {
        "regress_entities": ("categories",),
        "forecast": ("series",),
        "classify_text": ("texts",),
        "tag": ("tags",),
        "translate": ("pairs",),
        "word_vectors": ("lines",),
        "segment": ("masks",),
        "detect": ("boxes",),
        "caption": ("captions",),
    }.get(recipe.task, ("pictures",))


def needs(model: str, recipe: Recipe) -> str:
    """Returns which data a model takes, in one line."""
    return "; or ".join(FORMS[form][0] for form in forms(model, recipe))


def kind_of(data: Any) -> str:
    """Returns the kind of the data: `folder`, `table`, `arrays`, `lines`, or `memory` for arrays in memory.

    Raises:
        BadData: there is no such file, it cannot be examined, or its format is not supported.
    """
    if not isinstance(data, str | Path):
        return "table" if type(data).__name__ == "DataFrame" else "memory"
    path = Path(data)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise BadData(f"There is no file or folder {path}.") from None
    except OSError as error:
        raise BadData(f"Cannot read {path}: {error.strerror or error}.") from None
    if stat.S_ISDIR(mode):
        return "folder"
    if not stat.S_ISREG(mode):
        raise BadData(f"{path} is not a regular file or folder.")
    suffix = suffix_of(path)
    for kind, suffixes in {"table": TABLES, "arrays": ARRAYS, "lines": LINES}.items():
        if suffix in suffixes:
            return kind
    if suffix in PICTURES:
        raise BadData(f"{path.name} is a single picture. Name the folder of the pictures.")
    known = ", ".join((*TABLES, *ARRAYS, *LINES))
    raise BadData(f"The format of {path.name} is not supported. Use a folder of pictures, or a file: {known}.")


def form_of(source: Source, model: str, recipe: Recipe) -> str:
    """Returns the form in which `source` is read for a model, a key of `FORMS`. Reads no data.

    Raises:
        BadData: the model takes other data, the file does not exist, or an option has no effect.
    """
    kind, accepted = kind_of(source.data), forms(model, recipe)
    tables = ("table", "categories", "series", "texts", "tags", "pairs", "lines")
    by_kind = {
        "folder": ("pictures", "class_pictures"),
        "table": tables,
        "lines": ("lines",),
    }
    form = next((each for each in accepted if each in by_kind.get(kind, FORMS)), None)
    if form is None:
        received = source.path.name if source.path is not None else f"a {type(source.data).__name__}"
        raise BadData(f"{model} takes {needs(model, recipe)}. Received: {received}.")
    if source.test is not None and (kind_of(source.test) == "folder") != (kind == "folder"):
        raise BadData("The test data must be in the same form as the data: a folder, or a file.")
    used = {option for each in accepted for option in FORMS[each][1] if each in by_kind.get(kind, FORMS)}
    for option in source.given():
        if option == "group" and form == "series":
            raise BadData(
                f"A file has one series, so the option group has no effect on the data of {model}. Give each series a "
                "column of its own, or train on a file for each series."
            )
        if option not in (*used, *SHARED):
            raise BadData(f"The option {option} has no effect on the data of {model}, which takes {FORMS[form][0]}.")
    return form
