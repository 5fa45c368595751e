"""A model from elsewhere → `saved_models/<name>/<version>/`: what the file is, whether it is safe, how it is read."""
