"""Limits of the gRPC server.

By default, gRPC limits metadata (16 KiB), pings and header continuation frames. The other defaults of gRPC allow a
client to use up memory and connections, so this module sets them.
"""

from __future__ import annotations

from typing import Any

from ... import limits

STREAMS = (
    512  # concurrent calls on a connection; more calls wait in the client. This also limits floods of stream resets
)
PENDING = 10_000  # calls that wait for a handler; the default is 1,000, above which gRPC cancels calls
HANDSHAKE_MS = 20_000  # timeout for the HTTP/2 handshake of a new connection
IDLE_MS = 600_000  # a connection without calls is closed after this time; clients reconnect automatically
CALL_BYTES = 16 << 10  # memory of a call that waits for its message, or for the client to read a small answer


def options(max_message_bytes: int) -> dict[str, Any]:
    """Returns the options for `grpc.aio.server`.

    Args:
        max_message_bytes: maximum request size in bytes.
    """
    return {
        "grpc.max_receive_message_length": max_message_bytes,
        "grpc.max_send_message_length": -1,
        "grpc.per_message_decompression": 0,  # see `limits.unpack_message`
        "grpc.max_concurrent_streams": STREAMS,
        "grpc.http.overload_protection": 0,  # this protection would reject calls within the limit above
        "grpc.server.max_pending_requests": PENDING,
        "grpc.server.max_pending_requests_hard_limit": PENDING,
        "grpc.max_allowed_incoming_connections": limits.connections(),
        "grpc.server_handshake_timeout_ms": int(HANDSHAKE_MS),
        "grpc.max_connection_idle_ms": int(IDLE_MS),
    }


def calls(processes: int) -> int:
    """Returns the number of concurrent calls, `maximum_concurrent_rpcs`, that a process has memory for.

    Args:
        processes: the number of processes that share the memory of the machine.
    """
    return max(limits.share_of_memory(processes) // CALL_BYTES, 2 * STREAMS)
