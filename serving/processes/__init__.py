"""Starts and replaces worker processes, and calls functions in other processes.

`server/worker.py` is the program that a worker process runs.
"""
