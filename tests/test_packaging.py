"""Builds the wheel and the sdist, checks the files in them, and runs each in a new environment."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[1]
# The build uses the installed Setuptools. An isolated build would download Setuptools.
BUILD = "from setuptools import build_meta as b; b.build_sdist({folder!r}); b.build_wheel({folder!r})"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel, built from a copy of all files that git does not ignore."""
    folder = tmp_path_factory.mktemp("dist")
    source = tmp_path_factory.mktemp("source")
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    else:  # an unpacked sdist
        names = [str(file.relative_to(ROOT)) for file in ROOT.rglob("*") if "node_modules" not in file.parts]
    for name in filter(None, names):
        file = ROOT / name
        if file.is_file() and ".venv" not in file.parts:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(file.read_bytes())
    program = BUILD.format(folder=str(folder))
    done = subprocess.run([sys.executable, "-c", program], cwd=source, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def wheel_names(built: Path) -> set[str]:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    names = wheel_names(built)
    for folder in ("cli", "models", "preparation", "serving", "training"):
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in (".py", ".json", ".pb", ".cjs", ".js", ".css", ".html") or file.name == "py.typed":
                assert f"keras_gallery/{file.relative_to(ROOT)}" in names
    others = {name.partition("/")[0] for name in names if not name.startswith("keras_gallery/")}
    assert all(name.endswith(".dist-info") for name in others), others
    assert not any(part in name for name in names for part in ("/tools/", "/tests/", "matrix", "measure_doctor"))


def test_the_sdist_holds_the_files_that_its_tests_need(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("benchmarks", "docs", "examples", "models", "tests", "tools"):
        for file in (ROOT / folder).rglob("*"):
            skipped = {"__pycache__", "node_modules"} & set(file.parts)
            if file.is_file() and not skipped and file.suffix != ".pyc":
                assert str(file.relative_to(ROOT)) in names
    assert {"Makefile", "constraints.txt", "pyproject.toml", "CHANGELOG.md", ".ci/run", "README.md", "LICENSE"} <= names
    assert not any("node_modules" in name or "__pycache__" in name for name in names)


@pytest.fixture(params=["*.whl", "*.tar.gz"], ids=["wheel", "sdist"])
def installed(request: pytest.FixtureRequest, built: Path, tmp_path: Path) -> Path:
    """The bin folder of a new environment that has the package and uses the dependencies of this environment."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True, timeout=120)
    scheme = {"base": str(environment), "platbase": str(environment)}
    site = Path(sysconfig.get_path("purelib", "venv", scheme))
    # Python ignores .pth files in a folder that a .pth file adds, so the editable install of this environment has no
    # effect in the new one.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (file,) = built.glob(request.param)
    program = environment / "bin" / "python"
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(program), "install", *options, str(file)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return environment / "bin"


def test_an_installed_package_works(installed: Path, tmp_path: Path) -> None:
    def run(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    where = run(str(installed / "python"), "-c", "import keras_gallery; print(keras_gallery.__file__)")
    assert where.startswith(str(installed.parent)), where
    assert "denoising_autoencoder" in run(str(installed / "gallery"), "list")
    assert run(str(installed / "gallery-model-server"), "--version")
    data = "from keras_gallery.serving.wire import messages; from keras_gallery.serving.doctor import table; "
    assert run(str(installed / "python"), "-c", data + "print(len(messages.PredictRequest().inputs))") == "0\n"
