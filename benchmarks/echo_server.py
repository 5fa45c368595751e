"""The baseline of the speed benchmark: a one-process `grpc.aio` server that returns the request.

    python benchmarks/echo_server.py PORT

Its speed is the upper limit for a gRPC server in Python. SIGTERM stops the server.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import grpc

METHOD = "/benchmark.Echo/Echo"


async def echo(data: bytes, context: Any) -> bytes:
    return data


async def serve(port: int) -> None:
    server = grpc.aio.server()
    service, method = METHOD.strip("/").split("/")
    handlers = {method: grpc.unary_unary_rpc_method_handler(echo)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
