"""The engines. An engine turns the signatures of a model into callables on NumPy arrays.

`base.py` defines the interface. To add an engine, write a class with `load` in a new module or folder, and add the
engine to the tuple of engines of `Node` in `server/node.py`.
"""
