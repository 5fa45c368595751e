"""Reader of ONNX files: converts each ONNX operator to TensorFlow.

To add an operator, add a function under the operator's ONNX name to the table in one of these files:

- `elements.py`: element-wise operators, products (`MatMul`, `Gemm`, `Einsum`), reductions, `TopK`
- `shapes.py`: reshape, slice, concatenate, gather
- `resizing.py`: resize
- `normalization.py`: local response, group and Lp normalization
- `quantization.py`: operators on integers that stand for floats
- `windows.py`: convolution, pooling, normalization
- `loops.py`: recurrent layers, loops, conditions

If the output can be much larger than the inputs, also add the name to `_GROWING` in `graph.py`.
"""
