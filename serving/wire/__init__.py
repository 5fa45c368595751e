"""Converts between bytes and NumPy arrays: protocol buffers here, REST bodies in `json/`.

The functions here know no network, no engine and no model.
"""
