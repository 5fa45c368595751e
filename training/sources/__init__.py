"""Reads a user's own data: tables, series, texts, arrays and folders of pictures. `read.read` selects the reader.

Modules of this folder may call `data`. The tasks and `train` call this folder, so that it knows no task.
"""
