"""Batching: runs requests that arrive together as one batch, by TensorFlow Serving's batching parameters."""
