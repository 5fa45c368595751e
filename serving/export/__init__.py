"""A Keras model to `saved_models/<name>/<version>/`: writing, comparing the answers, publishing."""
