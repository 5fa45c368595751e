"""Exports a Keras model to a file for another runtime: Keras, HDF5, TensorFlow.js, ONNX, OpenVINO.

To add a target, write a module with the functions that `convert.py` describes, and add a line to `convert.TARGETS`.
"""
