"""What can go wrong while serving, each with its gRPC code and its HTTP status.

    ServingError
    ├── InvalidArgument      ├── NotFound            ├── FailedPrecondition   ├── OutOfRange
    ├── ResourceExhausted    ├── DeadlineExceeded    ├── Unavailable          ├── Unimplemented
    ├── Cancelled            ├── AlreadyExists       ├── Aborted              ├── PermissionDenied
    ├── Unauthenticated      ├── DataLoss            └── Internal

The server raises them, the gRPC and the REST face turn them into answers, and the client raises the same ones.
"""

from __future__ import annotations

import grpc


class ServingError(Exception):
    """Base of all; `str(error)` is the message, in one line where it is ours."""

    code = grpc.StatusCode.UNKNOWN
    http_status = 500


class InvalidArgument(ServingError):
    code, http_status = grpc.StatusCode.INVALID_ARGUMENT, 400


class FailedPrecondition(ServingError):
    code, http_status = grpc.StatusCode.FAILED_PRECONDITION, 400


class OutOfRange(ServingError):
    code, http_status = grpc.StatusCode.OUT_OF_RANGE, 400


class Unauthenticated(ServingError):
    code, http_status = grpc.StatusCode.UNAUTHENTICATED, 401


class PermissionDenied(ServingError):
    code, http_status = grpc.StatusCode.PERMISSION_DENIED, 403


class NotFound(ServingError):
    code, http_status = grpc.StatusCode.NOT_FOUND, 404


class Aborted(ServingError):
    code, http_status = grpc.StatusCode.ABORTED, 409


class AlreadyExists(ServingError):
    code, http_status = grpc.StatusCode.ALREADY_EXISTS, 409


class ResourceExhausted(ServingError):
    code, http_status = grpc.StatusCode.RESOURCE_EXHAUSTED, 429


class Cancelled(ServingError):
    code, http_status = grpc.StatusCode.CANCELLED, 499


class Internal(ServingError):
    code, http_status = grpc.StatusCode.INTERNAL, 500


class DataLoss(ServingError):
    code, http_status = grpc.StatusCode.DATA_LOSS, 500


class Unimplemented(ServingError):
    code, http_status = grpc.StatusCode.UNIMPLEMENTED, 501


class Unavailable(ServingError):
    code, http_status = grpc.StatusCode.UNAVAILABLE, 503


class DeadlineExceeded(ServingError):
    code, http_status = grpc.StatusCode.DEADLINE_EXCEEDED, 504


_BY_CODE: dict[str, type[ServingError]] = {kind.code.name: kind for kind in ServingError.__subclasses__()}
_BY_HTTP: dict[int, type[ServingError]] = {  # where several codes share a status, the commonest
    kind.http_status: kind for kind in reversed(ServingError.__subclasses__())
} | {413: ResourceExhausted}


def from_code(name: str, message: str) -> ServingError:
    """The error for a gRPC code's name, such as "NOT_FOUND"; plain `ServingError` for one that has no class."""
    return _BY_CODE.get(name, ServingError)(message)


def from_http_status(status: int, message: str) -> ServingError:
    """The error for an HTTP status, such as 404; `Internal` for one that has no class."""
    return _BY_HTTP.get(status, Internal)(message)
