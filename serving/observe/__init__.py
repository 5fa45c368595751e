"""Records each request in the metrics, the request log and the traces.

The API layer and the core fill in an `Observation` for each request. The modules of this folder store the observations.
"""
