"""Reader of ONNX files: converts each ONNX operator to TensorFlow.

To add an operator, add a function to the table in `elements.py`, `shapes.py`, `windows.py` or `loops.py`, under the
operator's ONNX name.
"""
