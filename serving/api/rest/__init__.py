"""The REST API: paths, bodies and responses."""
