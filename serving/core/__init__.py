"""Inference on NumPy arrays: checks, Predict, Classify, Regress, MultiInference, loaded models, warm-up.

The API layer calls this package, which contains no network code.
"""
