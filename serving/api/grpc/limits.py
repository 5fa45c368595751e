"""Bounds of the gRPC server, beyond those that its core has by itself (metadata of 16 KiB, pings, headers in parts)."""

from __future__ import annotations

from typing import Any

from ... import limits

STREAMS = 512  # calls at a time on a connection; a client keeps the others waiting. Without it, resets flood the server
PENDING = 10_000  # calls that have not even been looked at; by default, 1,000 are enough to get others cancelled
HANDSHAKE_MS = 20_000  # in which a new connection has said what HTTP/2 begins with
IDLE_MS = 600_000  # in which a connection has a call; clients connect anew by themselves
CALL_BYTES = 16 << 10  # of memory for a call whose message does not come, or whose small answer is not read


def options(max_message_bytes: int) -> dict[str, Any]:
    """For `grpc.aio.server(options=…)`; requests may be so long."""
    return {
        "grpc.max_receive_message_length": max_message_bytes,
        "grpc.max_send_message_length": -1,
        "grpc.per_message_decompression": 0,  # see `limits.unpack_message`
        "grpc.max_concurrent_streams": STREAMS,
        "grpc.http.overload_protection": 0,  # would refuse calls of clients that keep to the line above
        "grpc.server.max_pending_requests": PENDING,
        "grpc.server.max_pending_requests_hard_limit": PENDING,
        "grpc.max_allowed_incoming_connections": limits.connections(),
        "grpc.server_handshake_timeout_ms": int(HANDSHAKE_MS),
        "grpc.max_connection_idle_ms": int(IDLE_MS),
    }


def calls(processes: int) -> int:
    """For `grpc.aio.server(maximum_concurrent_rpcs=…)`: as many as a share of the memory has room for.

    Args:
        processes: how many share the machine's memory.
    """
    return max(limits.share_of_memory(processes) // CALL_BYTES, 2 * STREAMS)
