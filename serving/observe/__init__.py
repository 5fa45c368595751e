"""Records requests: metrics, the request log, traces.

The API layer and the core fill in an `Observation` for each request. The modules here store it.
"""
