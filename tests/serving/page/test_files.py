"""Tests of the page's routes."""

from __future__ import annotations

import json
import re

import pytest
from keras_gallery.serving.config import flags
from keras_gallery.serving.errors import NotFound, ResourceExhausted
from keras_gallery.serving.limits import Share
from keras_gallery.serving.page.files import STATIC, routes
from keras_gallery.serving.server.node import is_loopback
from keras_gallery.serving.server.settings import Settings
from keras_gallery.serving.wire.model_spec import ModelSpec

from ..api.rest.rest_client import Client

MAX_BYTES = 150_000
FILES = sorted(file.name for file in STATIC.iterdir())


@pytest.fixture
def client() -> Client:
    return Client(routes=routes("/metrics&more"), metrics_path="/metrics&more", cors=True)


def test_the_page(client: Client) -> None:
    reply = client.ask("GET", "/")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert 'data-metrics="/metrics&amp;more"' in reply.body.decode()
    assert client.ask("HEAD", "/").body == b""


@pytest.mark.parametrize("name", [name for name in FILES if name != "index.html"])
def test_every_file_is_a_path_with_a_strict_policy(client: Client, name: str) -> None:
    reply = client.ask("GET", f"/page/{name}")
    assert (reply.status, reply.body) == (200, (STATIC / name).read_bytes())
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy and "http" not in policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in reply.headers


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = "".join((STATIC / name).read_text(encoding="utf-8") for name in FILES)
    assert set(re.findall(r"https?://[^\"'` ]+", text)) == {"http://www.w3.org/2000/svg"}  # the name of a namespace
    assert not re.search(r"innerHTML\s*=|insertAdjacentHTML|outerHTML\s*=|document\.write|\beval\b|new Function", text)
    assert sum((STATIC / name).stat().st_size for name in FILES) < MAX_BYTES


@pytest.mark.parametrize("path", ["/page", "/page/", "/page/files.py", "/page/../files.py", "/page/%2e%2e/files.py"])
def test_no_other_file_is_a_path(client: Client, path: str) -> None:
    assert client.ask("GET", path).status == 404


def test_a_server_without_the_page_answers_as_tensorflow_serving_does() -> None:
    client = Client()
    assert [client.ask("GET", path).status for path in ("/", "/page/main.js")] == [404, 404]


async def card_of(spec: ModelSpec) -> bytes:
    if spec.name != "a model":
        raise NotFound(f"no {spec.name}")
    return f'{{"version": {spec.version or 9}}}'.encode()


@pytest.mark.parametrize(
    "method, path, status, body",
    [
        ("GET", "/models/a%20model/card", 200, b'{"version": 9}'),
        ("GET", "/models/a%20model/versions/07/card", 200, b'{"version": 7}'),
        ("HEAD", "/models/a%20model/card", 200, b""),
        ("GET", "/models/other/card", 404, b'{"error": "no other"}'),
        ("GET", "/models/a%20model/versions/9223372036854775808/card", 400, b""),
        ("GET", "/models/a%20model/versions/x/card", 404, None),
        ("GET", "/models/a%20model/card?x", 404, None),
        ("POST", "/models/a%20model/card", 404, None),
    ],
)
def test_the_card_of_a_version(method: str, path: str, status: int, body: bytes | None) -> None:
    reply = Client(card=card_of).ask(method, path)
    assert reply.status == status
    assert body is None or (json.loads(reply.body) == json.loads(body) if body else reply.body == b"")
    assert Client().ask(method, path).status == 404  # a server without the page has no cards


def test_a_card_is_for_this_site_only() -> None:
    """A card can show test examples. Other answers have CORS headers with `cors=True`."""
    reply = Client(card=card_of, cors=True).ask("GET", "/models/a%20model/card")
    assert reply.status == 200 and "access-control-allow-origin" not in reply.headers
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path, host, status",
    [
        *((path, "localhost", 200) for path in ("/", "/models", "/v1/models?list", "/livez", "/readyz")),
        ("/models", "evil.example", 403),
    ],
)
def test_the_browser_guesses_no_content_type(path: str, host: str, status: int) -> None:
    """The paths of TensorFlow Serving have its headers only."""
    client = Client(routes=routes(None), local=True)
    reply = client.ask("GET", path, headers={"host": host})
    assert (reply.status, reply.headers["x-content-type-options"]) == (status, "nosniff")


def test_an_answer_that_does_not_fit_into_the_memory_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    async def large(spec: ModelSpec) -> bytes:
        return b"{" + 100_000 * b" " + b"}"

    def used_up(share: Share, total: int) -> None:
        raise ResourceExhausted(f"no {total:,} bytes")

    client = Client(card=large)
    assert client.ask("GET", "/models/a/card").status == 200
    monkeypatch.setattr(Share, "take_up_to", used_up)
    reply = client.ask("GET", "/models/a/card")
    assert (reply.status, reply.error) == (ResourceExhausted("").http_status, "no 100,002 bytes")


@pytest.mark.parametrize(
    "host, status",
    [
        *(
            (host, 200)
            for host in ("localhost", "LOCALHOST:8501", "a.localhost", "127.0.0.1:80", "[::1]:80", "10.0.0.7")
        ),
        *((host, 403) for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[evil]", "1")),
    ],
)
def test_another_site_whose_name_leads_here(host: str, status: int) -> None:
    for path in ("/", "/models", "/v1/models/m"):
        assert Client(local=True, routes=routes(None)).ask("GET", path, headers={"host": host}).status == status
    assert Client(routes=routes(None)).ask("GET", "/", headers={"host": host}).status == 200


@pytest.mark.parametrize("host, local", [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)])
def test_only_a_server_on_loopback_checks_the_name(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.mark.parametrize(
    "arguments, wanted",
    [([], None), (["--enable_page"], "/monitoring/prometheus/metrics"), (["--enable_page=false"], None)],
    ids=["default", "on", "off"],
)
def test_the_page_brings_metrics(arguments: list[str], wanted: str | None) -> None:
    values = flags.parse(["--model_base_path=/m", *arguments], {})
    assert values.enable_page is (wanted is not None)
    assert Settings.read(values).metrics_path == wanted
