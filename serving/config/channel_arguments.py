"""Reads --grpc_channel_arguments: options of the C++ gRPC server, translated to settings of this server.

Names and meanings are those of gRPC's header grpc_types.h.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .flag_table import INT32

# gRPC's name -> (setting of h2corn, factor, value for no limit; None if the setting stays at its default). Times are in
# milliseconds in gRPC, and in seconds in h2corn.
_SETTINGS: dict[str, tuple[str, float, int | None]] = {
    "grpc.max_concurrent_streams": ("max_concurrent_streams", 1, INT32),
    "grpc.max_allowed_incoming_connections": ("limit_connections", 1, 0),
    "grpc.max_connection_idle_ms": ("timeout_keep_alive", 1e-3, 0),
    "grpc.server_handshake_timeout_ms": ("timeout_handshake", 1e-3, 0),
    "grpc.max_metadata_size": ("h2_max_header_list_size", 1, 0),
    "grpc.absolute_max_metadata_size": ("h2_max_header_list_size", 1, 0),
    "grpc.http2.lookahead_bytes": ("h2_initial_stream_window_size", 1, None),
    "grpc.http2.max_frame_size": ("h2_max_inbound_frame_size", 1, None),
}
_MESSAGE_LENGTH = "grpc.max_receive_message_length"


class ChannelArguments(NamedTuple):
    """The meaning of --grpc_channel_arguments.

    Attributes:
        settings: settings of h2corn for the gRPC API.
        names: gRPC's name of each setting, as in the flag.
        max_message_bytes: maximum size of a request in bytes, None if the flag does not set it.
        unsupported: the names of the options that have no effect.
    """

    settings: dict[str, Any]
    names: dict[str, str]
    max_message_bytes: int | None
    unsupported: tuple[str, ...]


def parse(text: str) -> ChannelArguments:
    """Parses a text such as "grpc.max_concurrent_streams=100,grpc.lb_policy_name=x".

    Raises ValueError for a part without "=", or a value of a supported option that is not a number of at least 0. The
    value −1 stands for no limit.
    """
    settings: dict[str, Any] = {}
    names: dict[str, str] = {}
    max_message_bytes, unsupported = None, []
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"Expected name=value in --grpc_channel_arguments. Received: {part}")
        if name not in _SETTINGS and name != _MESSAGE_LENGTH:
            unsupported.append(name)
            continue
        number = int(value) if re.fullmatch("-1|[0-9]{1,10}", value) else INT32 + 1
        if number > INT32:
            raise ValueError(f"Expected a number from 0 to {INT32} for {name}. Received: {value}")
        if name == _MESSAGE_LENGTH:
            max_message_bytes = INT32 if number < 0 else number
            continue
        setting, factor, unlimited = _SETTINGS[name]
        names[setting] = name
        if number >= 0:
            settings[setting] = number if factor == 1 else number * factor
        elif unlimited is not None:
            settings[setting] = unlimited
    return ChannelArguments(settings, names, max_message_bytes, tuple(unsupported))
