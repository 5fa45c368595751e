"""The errors of the server and the client. Each error class has a gRPC code and an HTTP status.

    ServingError
    ├── InvalidArgument      ├── NotFound            ├── FailedPrecondition   ├── OutOfRange
    ├── ResourceExhausted    ├── DeadlineExceeded    ├── Unavailable          ├── Unimplemented
    ├── Cancelled            ├── AlreadyExists       ├── Aborted              ├── PermissionDenied
    ├── Unauthenticated      ├── DataLoss            └── Internal

The server raises these errors, the gRPC and REST APIs turn them into responses, and the client raises the same classes.
"""

from __future__ import annotations

from enum import Enum


class Code(Enum):
    """The gRPC status codes, with the numbers of the gRPC protocol. Importing `grpc` for them would take 40 MB."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class ServingError(Exception):
    """Base class of all serving errors. `str(error)` is the message; this project's own messages have one line."""

    code = Code.UNKNOWN
    http_status = 500
    http_headers: tuple[tuple[bytes, bytes], ...] = ()  # additional headers of the HTTP response


class InvalidArgument(ServingError):
    code, http_status = Code.INVALID_ARGUMENT, 400


class FailedPrecondition(ServingError):
    code, http_status = Code.FAILED_PRECONDITION, 400


class OutOfRange(ServingError):
    code, http_status = Code.OUT_OF_RANGE, 400


class Unauthenticated(ServingError):
    code, http_status = Code.UNAUTHENTICATED, 401


class PermissionDenied(ServingError):
    code, http_status = Code.PERMISSION_DENIED, 403


class NotFound(ServingError):
    code, http_status = Code.NOT_FOUND, 404


class Aborted(ServingError):
    code, http_status = Code.ABORTED, 409


class AlreadyExists(ServingError):
    code, http_status = Code.ALREADY_EXISTS, 409


class ResourceExhausted(ServingError):
    code, http_status = Code.RESOURCE_EXHAUSTED, 429


class Cancelled(ServingError):
    code, http_status = Code.CANCELLED, 499


class Internal(ServingError):
    code, http_status = Code.INTERNAL, 500


class DataLoss(ServingError):
    code, http_status = Code.DATA_LOSS, 500


class Unimplemented(ServingError):
    code, http_status = Code.UNIMPLEMENTED, 501


class Unavailable(ServingError):
    code, http_status = Code.UNAVAILABLE, 503


class DeadlineExceeded(ServingError):
    code, http_status = Code.DEADLINE_EXCEEDED, 504


_BY_CODE: dict[str, type[ServingError]] = {each.code.name: each for each in ServingError.__subclasses__()}
_BY_HTTP: dict[int, type[ServingError]] = {  # if several classes share a status, the first of these classes wins
    each.http_status: each for each in reversed(ServingError.__subclasses__())
} | {413: ResourceExhausted}


def from_code(name: str, message: str) -> ServingError:
    """Returns the error for the name of a gRPC code, such as "NOT_FOUND". An unknown name gives a `ServingError`."""
    return _BY_CODE.get(name, ServingError)(message)


def from_http_status(status: int, message: str) -> ServingError:
    """Returns the error for an HTTP status, such as 404.

    Status 413 gives `ResourceExhausted`. A status that no error class has gives `Internal`.
    """
    return _BY_HTTP.get(status, Internal)(message)
