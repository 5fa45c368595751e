"""Converts between bytes and NumPy arrays. `json/` has the REST formats. The other modules have the gRPC formats.

This package imports no network code, no engine and no model.
"""
