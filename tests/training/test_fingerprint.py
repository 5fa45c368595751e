"""Tests which changes of the code and of the recipe change the fingerprint of a result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from keras_gallery.models import list_models
from keras_gallery.training import fingerprint as module
from keras_gallery.training import load_recipe
from keras_gallery.training.fingerprint import code_of, fingerprint

FILES = {
    "models/few/net.py": "from ..layers.noise import noise\n\n\ndef net(x):\n    return noise(x)\n",
    "models/layers/noise.py": "LEVEL = 2\n\n\ndef noise(x):\n    return LEVEL * x\n",
    "models/errors.py": "",
    "training/datasets/dice.py": "from ..data.split import half\n\n\ndef load():\n    return half([1, 2])\n",
    "training/data/split.py": "from ...models.errors import *\nfrom ..fitting import fit\n\n\nhalf = fit\n",
    "training/fitting.py": "fit = len\n",
}
SAME = {
    "a comment": ("models/few/net.py", "    return noise(x)", "    # a comment\n    return noise(x)  # another"),
    "a docstring": ("models/few/net.py", "def net(x):\n", 'def net(x):\n    """Adds noise.\n\n    # To x.\n    """\n'),
    "white space": ("models/layers/noise.py", "LEVEL * x", "LEVEL*x\n"),
    "the training loop": ("training/fitting.py", "len", "sum"),
    "errors": ("models/errors.py", "", "A = 1"),
}
OTHER = {
    "the model": ("models/few/net.py", "noise(x)", "noise(noise(x))"),
    "a layer": ("models/layers/noise.py", "2", "3"),
    "the dataset": ("training/datasets/dice.py", "[1, 2]", "[1, 3]"),
    "the split": ("training/data/split.py", "half = fit", "half = sum"),
}


def code(folder: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> str | None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    monkeypatch.setattr(module, "ROOT", folder)
    return code_of("net", "dice")


@pytest.mark.parametrize("change", [*SAME, *OTHER])
def test_changes_of_the_code(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, old, new = (SAME | OTHER)[change]
    before = code(tmp_path / "before", monkeypatch, FILES)
    after = code(tmp_path / "after", monkeypatch, FILES | {path: FILES[path].replace(old, new, 1)})
    assert (after == before) == (change in SAME)


def test_changes_of_the_recipe() -> None:
    recipe = load_recipe("dense_autoencoder")
    found = fingerprint(recipe, "code")
    assert fingerprint(replace(recipe, targets=()), "code") == found
    changed = [replace(recipe, epochs=3), replace(recipe, hyperparameters={"code_dim": 3}), replace(recipe, warmup=0.5)]
    assert len({found, fingerprint(recipe, "other code"), *(fingerprint(each, "code") for each in changed)}) == 5


def test_all_models_have_code() -> None:
    codes = {code_of(name, load_recipe(name).dataset) for name in list_models()}
    assert len(codes) == len(list_models()) and None not in codes
    assert code_of("convnet", "my_pictures") is None
