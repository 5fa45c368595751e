"""One source of images a file; see `training/data.py`."""
