"""Runs requests that arrive together as one batch, with the meaning of TensorFlow Serving's parameters."""
