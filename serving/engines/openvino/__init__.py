"""Runs signatures with OpenVINO: converts SavedModels, and compares OpenVINO's outputs with TensorFlow's outputs."""
