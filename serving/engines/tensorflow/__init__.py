"""Runs signatures with TensorFlow's C library, in one process that all workers share.

No module here imports TensorFlow's Python package.
"""
