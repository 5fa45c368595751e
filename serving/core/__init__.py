"""Runs inference on NumPy arrays: checks, Predict, Classify, Regress, MultiInference, loaded models, warm-up.

The API layer calls this package. The package contains no network code.
"""
