"""Runs several requests for a signature as one batch, with the batching parameters of TensorFlow Serving."""
