"""The gRPC face's server reflection: tells tools such as grpcurl what can be called, and with which messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from ...errors import InvalidArgument
from ...wire import messages

# Two names of one service: their messages have the same bytes.
SERVICES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
_Request = messages.message("grpc.reflection.v1.ServerReflectionRequest")
_Response = messages.message("grpc.reflection.v1.ServerReflectionResponse")


class Reflection:
    """Answers from the descriptors of `wire/`.

    Args:
        services: the names of what is served; those without descriptors are not told of.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self._services = [name for name in sorted(services) if _file_of(name) is not None]

    async def answer(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """An answer for each request of a stream."""
        async for data in requests:
            try:
                request = _Request.FromString(data)
            except DecodeError:
                raise InvalidArgument("Expected a ServerReflectionRequest. Received: other bytes") from None
            response = _Response(original_request=request)
            self._fill(response, request)
            yield bytes(response.SerializeToString())

    def _fill(self, response: Any, request: Any) -> None:
        match request.WhichOneof("message_request"):
            case "list_services":
                for name in self._services:
                    response.list_services_response.service.add(name=name)
            case "file_by_filename":
                _fill_files(response, _look_up(messages.POOL.FindFileByName, request.file_by_filename))
            case "file_containing_symbol":
                _fill_files(response, _file_of(request.file_containing_symbol))
            case "all_extension_numbers_of_type":
                kind = _look_up(messages.POOL.FindMessageTypeByName, request.all_extension_numbers_of_type)
                if kind is None:
                    return _refuse(response, grpc.StatusCode.NOT_FOUND)
                response.all_extension_numbers_response.base_type_name = kind.full_name  # nothing is extended
            case "file_containing_extension":
                _refuse(response, grpc.StatusCode.NOT_FOUND)
            case _:
                _refuse(response, grpc.StatusCode.INVALID_ARGUMENT)


def _look_up(find: Any, name: str) -> Any:
    try:
        return find(name)
    except KeyError:
        return None


def _file_of(symbol: str) -> Any:
    """The file that says what a name means, be it a message, an enum, a service, or a part of one."""
    found = _look_up(messages.POOL.FindFileContainingSymbol, symbol)
    return found or _look_up(messages.POOL.FindFileContainingSymbol, symbol.rpartition(".")[0])


def _fill_files(response: Any, file: Any) -> None:
    """The file and all that it imports."""
    if file is None:
        return _refuse(response, grpc.StatusCode.NOT_FOUND)
    files, waiting = {}, [file]
    while waiting:
        each = waiting.pop()
        if each.name not in files:
            files[each.name] = each.serialized_pb
            waiting += each.dependencies
    response.file_descriptor_response.file_descriptor_proto.extend(files.values())


def _refuse(response: Any, code: grpc.StatusCode) -> None:
    response.error_response.error_code = code.value[0]
    response.error_response.error_message = code.value[1]
