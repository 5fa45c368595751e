"""Runs signatures with OpenVINO: converts SavedModels, compares the answers with TensorFlow's, runs the result."""
