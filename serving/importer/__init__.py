"""A model file from elsewhere to `saved_models/<name>/<version>/`.

The file is read in a child process with limits (`sandbox.py`, `worker.py`). `reading/` has what all formats share;
each format has a folder. A new format is a reader, a line in `worker.READERS`, and a kind in `reading/kinds.py`.
"""
