"""Predicts which runtimes can run a model, from tables with a row for each layer and option.

`tools/doctor` measures the rows.
"""
