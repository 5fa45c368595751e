"""Imports a model file from another project to `saved_models/<name>/<version>/`.

A child process reads the file (`worker.py`), with limits on memory, time and actions (`sandbox.py`). `reading/` has the
code that all formats share, and each format has a folder. A new format needs a reader, a line in `worker.READERS`, and
an entry in `NAMES` of `reading/kinds.py`.
"""
