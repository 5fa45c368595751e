"""Converts between bytes and NumPy arrays: protocol buffers in this folder, REST bodies in `json/`.

The functions do not use the network, an engine or a loaded model.
"""
