"""Tests of reading the method and path of REST requests by TensorFlow Serving's rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras_gallery.serving.api.rest.paths import Target, VersionTooLarge, is_uri, target
from keras_gallery.serving.errors import InvalidArgument
from keras_gallery.serving.wire.model_spec import ModelSpec

from ....random_inputs import random_inputs

VALID = {
    "POST /v1/models/m:predict": Target("predict", ModelSpec("m")),
    "POST /v1/models/m:classify": Target("classify", ModelSpec("m")),
    "POST /v1/models/m/versions/12:regress": Target("regress", ModelSpec("m", 12)),
    "POST /v1/models/m/versions/001:predict": Target("predict", ModelSpec("m", 1)),
    "POST /v1/models/m/labels/st%20able:predict": Target("predict", ModelSpec("m", None, "st able")),
    "POST /V1/Models/M:predict": Target("predict", ModelSpec("M")),
    "POST /v1/models/a%2Fb+c%c5%be:predict": Target("predict", ModelSpec("a/b+cž")),
    "GET /v1/models/a%23b%2523": Target("status", ModelSpec("a#b%23")),
    "GET /v1/models/m": Target("status", ModelSpec("m")),
    "GET /v1/models/m/versions/9223372036854775807": Target("status", ModelSpec("m", (1 << 63) - 1)),
    "GET /v1/models/m/labels/l": Target("status", ModelSpec("m", None, "l")),
    "GET /v1/models/m/metadata": Target("metadata", ModelSpec("m")),
    "GET /v1/models/m/versions/1/metadata": Target("metadata", ModelSpec("m", 1)),
    "GET /v1/models/m/METADATA": Target("status", ModelSpec("m")),
    "GET /v1/models/m?verbose=1": Target("status", ModelSpec("m?verbose=1")),
    "GET /v1/models/metadata": Target("status", ModelSpec("metadata")),
}


@pytest.mark.parametrize(("request_line", "expected"), VALID.items())
def test_valid(request_line: str, expected: Target) -> None:
    assert target(*request_line.split(" ")) == expected


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /v1/models/m:predict", "POST /v1/models/m", "POST /v1/models/m:explain", "POST /v1/models/m:PREDICT",
        "POST /v1/models/:predict", "POST /v1/models/m:predict?x=1", "POST /v1/models/m/metadata", "GET /v1/models/",
        "GET /v1/models/m/", "GET /v1/models/m/versions/abc", "GET /v1/models/m/versions/1/labels/l", "GET /v1/nothing",
        "GET /v1/", "PUT /v1/models/m:predict", "DELETE /v1/models/m", "HEAD /v1/models/m", "GET /v1/models?list",
    ],
)  # fmt: skip
def test_malformed(request_line: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        target(*request_line.split(" "))
    assert str(caught.value) == f"Malformed request: {request_line}"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/versions/1", "/v1/models/labels/l/metadata"])
def test_missing_model_name(path: str) -> None:
    with pytest.raises(InvalidArgument, match="^Missing model name in request.$"):
        target("GET", path)


@pytest.mark.parametrize("version", ["9223372036854775808", "99999999999999999999", "9" * 5000])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_version_over_64_bits(method: str, version: str) -> None:
    with pytest.raises(VersionTooLarge):
        target(method, f"/v1/models/m/versions/{version}" + (":predict" if method == "POST" else ""))


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("/v1/models/a-b_c.d~!$&'()*+,;=:@/%2f", True), ("", True), ("a=b&c=/?d", True), ("/a b", False),
        ("/%zz", False), ("/%2", False), ("/a<b>", False),
        ("/a\x00", False), ("/é", False), ('/"', False), ("/[a]", False),
    ],
)  # fmt: skip
def test_uris(text: str, valid: bool) -> None:
    assert is_uri(text.encode()) is valid


@random_inputs(200)
@given(st.sampled_from(["GET", "POST", "PUT"]), st.text("/:v1modelsrn%2Fabp?", max_size=30))
def test_random_paths_raise_only_expected_errors(method: str, path: str) -> None:
    for full_path in (path, "/v1/models" + path):
        try:
            assert target(method, full_path).spec.name
        except (InvalidArgument, VersionTooLarge):
            pass
