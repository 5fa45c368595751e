"""Inference on NumPy arrays: checks, Predict, Classify, Regress, MultiInference, loaded models, warm-up.

This room knows no network. The API layer calls it.
"""
