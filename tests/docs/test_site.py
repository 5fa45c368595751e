"""Builds the documentation site without internet access, Keras or TensorFlow, and checks its pages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from keras_gallery.models import describe, list_models

pytest.importorskip("mkdocs", reason="the documentation site needs the extra `docs`")
pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[2]
LOADING = {("script", "src"), ("img", "src"), ("img", "srcset"), ("iframe", "src"), ("source", "src"), ("link", "href")}

# Builds the site. Fails on each name resolution and connection, and prints which heavy packages were imported.
BUILD = """
import sys
def refuse(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect"):
        raise OSError(f"no network in this test: {event} {arguments[1:]}")
sys.addaudithook(refuse)
from mkdocs.__main__ import cli
try:
    cli(["build", "--strict", "--quiet", "--site-dir", sys.argv[1]])
finally:
    print(sorted({"keras", "tensorflow", "jax", "torch"} & set(sys.modules)))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run([sys.executable, "-c", BUILD, folder], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    return folder


class Loaded(HTMLParser):
    """Collects the addresses of the files that a browser loads with a page. Links do not count."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attributes if (tag, name) in LOADING and value]


def pages(site: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(site.rglob("*.html")):
        yield str(path.relative_to(site)), path.read_text(encoding="utf-8")


def test_pages_load_nothing_from_other_sites(site: Path) -> None:
    found = {name: Loaded(text).addresses for name, text in pages(site)}
    assert len(found) > 50
    elsewhere = {name: [each for each in those if "//" in each] for name, those in found.items()}
    assert not {name: those for name, those in elsewhere.items() if those}
    for style in site.rglob("*.css"):
        assert "url(http" not in style.read_text(encoding="utf-8"), style
    # If a page has a Mermaid diagram, the theme's script loads a diagram library from another site.
    assert not [name for name, text in pages(site) if 'class="mermaid"' in text]


def test_files_that_pages_load_exist(site: Path) -> None:
    for name, text in pages(site):
        for address in Loaded(text).addresses:
            if not address.startswith("data:") and name != "404.html":
                assert (site / name).parent.joinpath(address.partition("?")[0]).exists(), f"{name}: {address}"


@pytest.mark.parametrize("name", list_models())
def test_each_model_has_a_page(site: Path, name: str) -> None:
    info = describe(name)
    text = (site / "models" / info.family / f"{name}.html").read_text(encoding="utf-8")
    for heading in ("Formula", "Input and output", "Hyperparameters", "Recipes", "Results"):
        assert f">{heading}<" in text
    assert f"pictures/{name}/" in text
    assert "<table>" in text


def test_the_reference_has_the_public_functions(site: Path) -> None:
    client = (site / "reference" / "client.html").read_text(encoding="utf-8")
    assert 'id="keras_gallery.serving.client.Client.encode"' in client
    training = (site / "reference" / "training.html").read_text(encoding="utf-8")
    assert 'id="keras_gallery.training.train.train"' in training
