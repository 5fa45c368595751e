"""Tests that each error has the gRPC code and the HTTP status of TensorFlow Serving."""

from __future__ import annotations

import pytest
from keras_gallery.serving import errors
from keras_gallery.serving.errors import Code, ServingError, from_code, from_http_status

STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "INTERNAL": 500,
    "DATA_LOSS": 500,
    "UNKNOWN": 500,
}


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK])
def test_every_grpc_code(code: Code) -> None:
    error = from_code(code.name, "why")
    assert (error.code, error.http_status, str(error)) == (code, STATUS[code.name], "why")
    assert type(error).__name__.lower() == code.name.replace("_", "").lower() or type(error) is ServingError


def test_the_codes_have_the_names_and_numbers_of_the_official_package() -> None:
    grpc = pytest.importorskip("grpc")
    assert {code.name: code.value for code in Code} == {code.name: code.value[0] for code in grpc.StatusCode}


def test_an_unknown_grpc_code() -> None:
    error = from_code("NO_SUCH_CODE", "why")
    assert type(error) is ServingError
    assert error.code is Code.UNKNOWN


@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (400, errors.InvalidArgument),
        (401, errors.Unauthenticated),
        (403, errors.PermissionDenied),
        (404, errors.NotFound),
        (409, errors.Aborted),
        (413, errors.ResourceExhausted),
        (429, errors.ResourceExhausted),
        (499, errors.Cancelled),
        (500, errors.Internal),
        (501, errors.Unimplemented),
        (503, errors.Unavailable),
        (504, errors.DeadlineExceeded),
        (418, errors.Internal),
    ],
)
def test_from_http_status(status: int, error_class: type[ServingError]) -> None:
    error = from_http_status(status, "why")
    assert type(error) is error_class
    assert str(error) == "why"
