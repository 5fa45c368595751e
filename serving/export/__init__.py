"""Exports a Keras model to `saved_models/<name>/<version>/`: writes it, compares the outputs, publishes it."""
