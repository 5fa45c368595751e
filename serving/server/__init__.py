"""The programs of the embedded model server: the main program (`model_server.py`) and the worker process (`worker.py`).

`node.py` connects the engines, the core and the APIs of a process.
"""
