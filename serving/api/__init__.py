"""The network side of the server: gRPC, REST, HTTP and the OpenAPI pages.

A request handler decodes bytes with `wire`, calls `core`, and encodes the response. It does not use the engines.
"""
