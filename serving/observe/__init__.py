"""What is recorded of requests: metrics, the request log, traces.

The API layer and the core fill in an `Observation` for each request; this room stores it.
"""
