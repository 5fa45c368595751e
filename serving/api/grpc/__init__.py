"""The gRPC API: services, request handlers, health, reflection and limits."""
