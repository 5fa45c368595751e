"""Runs signatures with OpenVINO: converts SavedModels, compares the outputs with TensorFlow's, runs the result."""
