"""Counts and records requests: metrics, the request log, traces.

The API layer and the core fill in an `Observation` for each request, and the modules here store it. `Observer.begin`
also rejects a request if too many requests are pending.
"""
