"""Reader of ONNX files: each operator written in TensorFlow.

A new operator is a function in `elements.py`, `shapes.py`, `windows.py` or `loops.py`, under its ONNX name.
"""
