"""Converts between REST bodies and NumPy arrays, with TensorFlow Serving's error messages."""
