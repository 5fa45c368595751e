"""Engines: each turns a signature of a SavedModel into a callable on NumPy arrays.

`base.py` defines the interface. A new engine is a class with `load` in a module or folder of its own, and a line in
`core/loader.py`.
"""
