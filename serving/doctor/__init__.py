"""Predicts which runtimes can run a model, from tables of measurements for each layer.

`tools/doctor` makes the measurements.
"""
