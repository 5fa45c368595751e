"""Bytes to NumPy and back: protocol buffers and dtypes. `json/` does the same for REST bodies.

Pure functions: this room knows no network, no engine and no model.
"""
