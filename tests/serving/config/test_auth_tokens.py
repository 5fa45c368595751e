"""Tests of the file of --auth_tokens_file, and of the check of a request's token."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.config import auth_tokens
from keras_gallery.serving.config.auth_tokens import Access, AuthTokens, read
from keras_gallery.serving.errors import InvalidArgument, PermissionDenied, ResourceExhausted, Unauthenticated


def entry(name: str = "a", token: str = "secret", **fields: Any) -> dict[str, Any]:
    return {"name": name, "sha256": sha256(token.encode()).hexdigest(), **fields}


def written(folder: Path, *entries: Any) -> Path:
    file = folder / "tokens.json"
    file.write_text(json.dumps({"tokens": entries}))
    return file


def bearer(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {token}".encode())]


@pytest.fixture
def tokens(tmp_path: Path) -> AuthTokens:
    found = AuthTokens(written(tmp_path, entry(), entry("b", "other", models=["m"], metrics=True)))
    found.read()
    return found


def test_the_entries(tmp_path: Path) -> None:
    all_fields = entry("b", "other", models=["m", "n"], requests_per_second=2, metrics=True, reload=True)
    assert read(written(tmp_path, entry(), all_fields)) == (
        Access("a", sha256(b"secret").digest()),
        Access("b", sha256(b"other").digest(), frozenset(("m", "n")), 2.0, True, True),
    )


@pytest.mark.parametrize("value", ["Bearer secret", "bearer secret", "BEARER  secret "])
def test_a_known_token(tokens: AuthTokens, value: str) -> None:
    assert tokens.access([(b"x", b"y"), (b"authorization", value.encode())]).name == "a"
    assert tokens.access(bearer("other")).name == "b"


@pytest.mark.parametrize("value", ["", "secret", "Basic secret", "Bearer", "Bearersecret"])
def test_a_missing_token(tokens: AuthTokens, value: str) -> None:
    with pytest.raises(Unauthenticated, match="Expected the header authorization: Bearer TOKEN") as caught:
        tokens.access([(b"authorization", value.encode())] if value else [])
    assert caught.value.http_headers == ((b"www-authenticate", b"Bearer"),)


@pytest.mark.parametrize("token", ["Secret", "secret2", "", sha256(b"secret").hexdigest(), "\xff"])
def test_an_unknown_token(tokens: AuthTokens, token: str) -> None:
    with pytest.raises(Unauthenticated, match="The token of the request is unknown"):
        tokens.access(bearer(token))


def test_before_the_file_is_read_all_tokens_are_unknown(tmp_path: Path) -> None:
    with pytest.raises(Unauthenticated):
        AuthTokens(written(tmp_path, entry())).access(bearer("secret"))


def test_an_invalid_file_changes_nothing(tokens: AuthTokens) -> None:
    tokens.path.write_text("{")
    with pytest.raises(InvalidArgument, match="is not JSON"):
        tokens.read()
    assert tokens.access(bearer("secret")).name == "a"
    written(tokens.path.parent, entry("c", "new"))
    tokens.read()
    assert tokens.access(bearer("new")).name == "c"
    with pytest.raises(Unauthenticated):
        tokens.access(bearer("secret"))


def test_the_limit_of_requests_per_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(auth_tokens, "monotonic", lambda: now[0])
    tokens = AuthTokens(written(tmp_path, entry(requests_per_second=4), entry("slow", "s", requests_per_second=0.25)))
    tokens.read()
    for _ in range(4):
        tokens.access(bearer("secret"))
    with pytest.raises(ResourceExhausted, match="at most 4 requests per second of a. Retry in 0.25 s") as caught:
        tokens.access(bearer("secret"))
    assert caught.value.http_headers == ((b"retry-after", b"1"),)
    now[0] += 0.25
    tokens.access(bearer("secret"))
    with pytest.raises(ResourceExhausted):
        tokens.access(bearer("secret"))
    now[0] += 100  # a client that was quiet for long may still send only the requests of one second at once
    tokens.read()  # reading the file again does not change what is left
    for _ in range(4):
        tokens.access(bearer("secret"))
    with pytest.raises(ResourceExhausted):
        tokens.access(bearer("secret"))
    tokens.access(bearer("s"))
    with pytest.raises(ResourceExhausted) as caught:
        tokens.access(bearer("s"))
    assert caught.value.http_headers == ((b"retry-after", b"4"),)


def test_rights() -> None:
    every, one, none = Access("every", b""), Access("one", b"", frozenset(["m"])), Access("none", b"", frozenset())
    assert [each.allows("m") for each in (every, one, none)] == [True, True, False]
    every.check_model("n")
    every.check("all models")
    Access("x", b"", metrics=True).check("metrics")
    Access("x", b"", reload=True).check("reload")
    with pytest.raises(PermissionDenied, match="The token one is not for the model n."):
        one.check_model("n")
    for access, right in ((one, "all models"), (every, "metrics"), (every, "reload")):
        with pytest.raises(PermissionDenied, match=f"it needs the right {right}"):
            access.check(right)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", 'must have the form {"tokens":'),
        ('{"tokens": {}}', "must have the form"),
        ('{"tokens": [], "more": 1}', "must have the form"),
        ('{"tokens": [1]}', "token 1 must have name and sha256"),
        (json.dumps({"tokens": [entry()] * 1001}), "at most 1000 tokens"),
        (" " * ((1 << 20) + 1), "has more than 1048576 bytes"),
    ],
    ids=["empty", "deep", "list", "object", "more", "number", "many", "large"],
)
def test_invalid_files(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "f").write_text(content)
    with pytest.raises(InvalidArgument) as caught:
        read(tmp_path / "f")
    assert str(caught.value).startswith(f"The file {tmp_path / 'f'} of --auth_tokens_file ")
    assert problem in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"extra": 1}, "must have name and sha256, and can have models, requests_per_second, metrics, reload"),
        ({"sha256": "secret"}, "must have 64 hexadecimal digits"),
        ({"sha256": 1}, "has a sha256 of a wrong type"),
        ({"name": ""}, "must have a name of up to 64 letters"),
        ({"name": "a\nb"}, "must have a name of up to 64 letters"),
        ({"models": "m"}, "has a models of a wrong type"),
        ({"models": [1]}, "has a model that is not a string"),
        ({"metrics": 1}, "has a metrics of a wrong type"),
        ({"requests_per_second": True}, "has a requests_per_second of a wrong type"),
        ({"requests_per_second": -1}, "must have requests_per_second from"),
        ({"requests_per_second": 1e-9}, "must have requests_per_second from"),
        ({"requests_per_second": float("nan")}, "must have requests_per_second from"),
        ({"requests_per_second": float("inf")}, "must have requests_per_second from"),
    ],
)
def test_invalid_entries(tmp_path: Path, wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidArgument, match=f"token 2 {problem}"):
        read(written(tmp_path, entry("b", "other"), entry() | wrong))


def test_repeated_entries(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="has the same sha256 twice"):
        read(written(tmp_path, entry("a"), entry("b")))
    with pytest.raises(InvalidArgument, match="has the same name twice"):
        read(written(tmp_path, entry("a"), entry("a", "other")))


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InvalidArgument, match="is not a regular file"):
            read(path)
