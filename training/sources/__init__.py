"""Reads a user's own data: tables, series, texts, arrays and folders of pictures. `read.read` selects the reader.

`train` calls this folder. A module in it may call `data` and `recipe`, but not the tasks. No module imports Keras.
"""
