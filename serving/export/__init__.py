"""Exports a Keras model to `saved_models/<name>/<version>/`, and compares the outputs."""
