"""Predicts which runtimes can run a model, from tables of measured results for each layer.

`TARGETS` in `verdict.py` lists the runtimes. `tools/doctor` measures the results.
"""
