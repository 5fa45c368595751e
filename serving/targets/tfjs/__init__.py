"""Exports a signature to a TensorFlow.js graph model."""

from pathlib import Path

# The operations that TensorFlow.js supports in a graph model. `tools/tfjs_operations.py` writes this file.
OPERATIONS = Path(__file__).with_name("operations.json")
