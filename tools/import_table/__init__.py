"""Imports and serves hundreds of models, and writes a table of the results to docs/imported.md.

    python -m tools.import_table [--only PATTERN] [--missing] [--jobs N] [--real]

The models are every layer of Keras (`layers.py`), every model of `keras.applications` (`applications.py`), and the
architectures of well-known tutorials (`tutorials_*.py`), all with random weights.
"""
