"""The network side of the server: gRPC, REST, HTTP and the OpenAPI pages.

A request handler decodes bytes with `wire`, calls `core`, and encodes the answer. It does not depend on an engine.
"""
