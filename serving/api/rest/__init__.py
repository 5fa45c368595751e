"""The REST API: paths, bodies, responses."""
