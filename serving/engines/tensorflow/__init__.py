"""Runs signatures with TensorFlow's C library, in one process that all worker processes share.

No module here imports TensorFlow's Python package.
"""
