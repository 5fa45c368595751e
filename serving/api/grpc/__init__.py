"""The gRPC API: the protocol, the services, health and reflection."""
