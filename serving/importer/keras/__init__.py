"""Readers of `.keras` files, HDF5 files, and weights-only files."""
