"""Imports a model file from another project to `saved_models/<name>/<version>/`.

A child process with limits reads the file (`worker.py`, `sandbox.py`). `reading/` has the code that all formats share,
and each format has a folder. A new format needs a reader, a line in `worker.READERS`, and its detection in
`reading/kinds.py`.
"""
