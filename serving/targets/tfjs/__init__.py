"""A function of a model as a TensorFlow.js graph model."""

from pathlib import Path

# What a graph model may have. `tools/tfjs_operations.py` writes it.
OPERATIONS = Path(__file__).with_name("operations.json")
