"""A Keras model to a file for another runtime: Keras, HDF5, TensorFlow.js, ONNX, OpenVINO.

A new target is a module with `write` and `runner`, and a line in `convert.TARGETS`.
"""
