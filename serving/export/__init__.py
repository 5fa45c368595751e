"""Exports a Keras model to `saved_models/<name>/<version>/`, and checks the outputs of the SavedModel."""
