"""Runs requests that arrive together as one batch, with TensorFlow Serving's batching parameters."""
