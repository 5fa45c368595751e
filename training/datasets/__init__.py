"""The datasets, one module for each. `training.data.dataset.load` loads a dataset by name.

Each module has a function `load` and a docstring with the shape, the split and the source. Modules with a leading
underscore are shared by several datasets.
"""
