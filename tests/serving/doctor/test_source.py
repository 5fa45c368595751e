"""Tests of reading the names in a module of the user without running the module."""

from __future__ import annotations

from pathlib import Path

import pytest
from keras_gallery.serving.doctor.source import defined_names
from keras_gallery.serving.errors import InvalidArgument

SOURCE = """
raise SystemExit("this module was run")
@keras.saving.register_keras_serializable("own", "Draw")
class Sampling: ...
@keras.saving.register_keras_serializable(package="own", name="Wave")
def wave(x): ...
"""


def test_names_of_a_module_and_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "vae.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    assert defined_names("project.vae") == defined_names("project") == {"Sampling", "Draw", "wave", "Wave"}
    monkeypatch.chdir("/")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "Sampling" in defined_names("project.vae")


@pytest.mark.parametrize("module", ["project.cnn", "project/vae.py", "..", "broken"])
def test_no_such_module(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.py").write_text("class")
    with pytest.raises(InvalidArgument, match=f"module {module} of --classes"):
        defined_names(module)
