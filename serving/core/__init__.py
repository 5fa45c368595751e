"""Inference on NumPy arrays: input checks, Predict, Classify, Regress and MultiInference.

This folder also loads models: `loader.py` chooses an engine for each signature, sets up batching and runs the warm-up
requests. The API layer calls this folder, which contains no network code.
"""
