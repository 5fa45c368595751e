"""Converts between bytes and NumPy arrays. The modules in `json/` do this for REST, the other modules for gRPC.

This package imports no network code, no engine and no model.
"""
