"""Exports a Keras model to a file for another runtime: Keras, HDF5, TensorFlow.js, ONNX, OpenVINO.

To add a target, write a module with the functions that `convert.py` describes, add a line to `convert.TARGETS`, and add
the target's name to `TARGETS` in `cli/export.py`.
"""
